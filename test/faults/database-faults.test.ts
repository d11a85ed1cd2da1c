/** A database that fails in the middle: callers hear that it is not their fault, and when to come back. */
// cspell:ignore usename
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresBin, startPostgres, type TestPostgres } from '../support/postgres.ts'
import { type Answer, type TestServer, testServer } from '../support/server.ts'

const query = '{ assets { edges { node { id } } } }'

describe.skipIf(!postgresBin())('a PostgreSQL that fails', () => {
  let database: TestPostgres | undefined
  let admin: pg.Pool
  let server: TestServer

  beforeAll(async () => {
    database = await startPostgres()
    admin = new pg.Pool({ connectionString: database.url })
    admin.on('error', () => {})
    await admin.query('CREATE ROLE limn LOGIN')
    await admin.query('CREATE DATABASE limn OWNER limn')
    const inside = new pg.Client({ connectionString: database.url.replace(/postgres$/, 'limn') })
    await inside.connect()
    await inside.query('CREATE EXTENSION vector')
    await inside.end()
    const databaseUrl = database.url.replace('postgres@', 'limn@').replace(/postgres$/, 'limn')
    server = await testServer({ databaseUrl })
    expect((await server.query(query)).status).toBe(200)
  })
  afterAll(async () => {
    await server?.close().catch(() => {})
    await admin?.end().catch(() => {})
    await database?.stop().catch(() => {})
  })

  const terminate = () =>
    admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'limn'")
  /** Only the request's own statement counts: the server's work in the background waits for the table too. */
  const waiting = async () => {
    const { rows } = await admin.query(
      `SELECT 1 FROM pg_stat_activity WHERE usename = 'limn' AND wait_event_type = 'Lock'
       AND query LIKE '%FROM "Asset" a%DESC%LIMIT%'`,
    )
    return rows.length
  }

  /** Runs `work` while another session holds the table of assets. */
  async function locked<T>(work: () => Promise<T>): Promise<T> {
    const holder = new pg.Client({ connectionString: database!.url.replace(/postgres$/, 'limn') })
    await holder.connect()
    try {
      await holder.query('BEGIN; LOCK TABLE "Asset" IN ACCESS EXCLUSIVE MODE')
      return await work()
    } finally {
      await holder.end()
    }
  }

  function expectRetry(answer: Answer, code: string) {
    expect(answer).toMatchObject({ status: 503, code, data: { assets: null } })
    expect(answer.errors![0]!.extensions.retryAfterMs).toBeGreaterThan(0)
    expect(JSON.stringify(answer.errors)).not.toMatch(/SELECT|Asset"|prisma|127\.0\.0\.1/i)
  }

  it('a connection that is lost in the middle of a query is no fault of the caller', async () => {
    const answer = await locked(async () => {
      const pending = server.query(query)
      await expect.poll(waiting).toBeGreaterThan(0)
      await terminate()
      return pending
    })
    expectRetry(answer, 'INTERNAL')
    expect((await server.query(query)).status).toBe(200)
  })

  it('a statement that waits too long for a lock is OVERLOADED', async () => {
    expectRetry(await locked(() => server.query(query)), 'OVERLOADED')
    expect((await server.query(query)).status).toBe(200)
  })

  it('a database without a free connection is OVERLOADED', async () => {
    await admin.query('ALTER ROLE limn CONNECTION LIMIT 0')
    await terminate()
    // Until the server has noticed each connection that it lost.
    await expect.poll(async () => (await server.query(query)).code).toBe('OVERLOADED')
    expectRetry(await server.query(query), 'OVERLOADED')
    await admin.query('ALTER ROLE limn CONNECTION LIMIT -1')
    expect((await server.query(query)).status).toBe(200)
  })

  it('a database that is stopped says when to come back, and answers once it is back', async () => {
    database!.crash()
    expectRetry(await server.query(query), 'INTERNAL')
    expect((await server.query('{ embed(inputs: [{ text: "a" }]) { __typename } }')).status).toBe(200)
    database!.restart()
    await expect.poll(async () => (await server.query(query)).status).toBe(200)
  })
})
