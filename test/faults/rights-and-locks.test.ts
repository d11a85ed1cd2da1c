/** A PostgreSQL role without rights, and a database in which somebody holds a lock. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serveWire } from '../../prisma/embedded/wire.ts'
import { DatabaseBusy, StartupError } from '../../prisma/errors.ts'
import { openDatabase } from '../../prisma/open.ts'
import { openTestDatabase } from '../support/database.ts'

const serverUrl = process.env.LIMN_TEST_DATABASE_URL

describe.runIf(serverUrl)('PostgreSQL', () => {
  const name = `limn_rights_${randomUUID().slice(0, 8)}`
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-rights-'))
  let admin: pg.Client
  const url = (user?: string) => {
    const address = new URL(serverUrl!)
    address.pathname = `/${name}`
    if (user) address.username = user
    return address.href
  }
  const inDatabase = async (sql: string) => {
    const client = new pg.Client(url())
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  beforeEach(async () => {
    admin = new pg.Client(serverUrl)
    await admin.connect()
    await admin.query(`CREATE ROLE ${name} LOGIN`)
    await admin.query(`CREATE DATABASE ${name}`)
    await inDatabase('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
  })
  afterEach(async () => {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await admin.query(`DROP ROLE ${name}`)
    await admin.end()
    rmSync(home, { recursive: true, force: true })
  })
  const grant = `GRANT USAGE, CREATE ON SCHEMA public TO ${name}`
  const opening = () => openDatabase({ home, url: url(name) })

  it('a role that may not create says what to grant, step by step, until it works', async () => {
    await expect(opening()).rejects.toThrow(StartupError)
    await expect(opening()).rejects.toThrow(`run \`${grant}\` in the database ${name}`)
    await inDatabase(grant)
    const create = 'CREATE EXTENSION IF NOT EXISTS vector; CREATE EXTENSION IF NOT EXISTS pg_trgm'
    await expect(opening()).rejects.toThrow(`let a superuser run \`${create}\` in the database ${name}`)
    await inDatabase(create)
    await (await opening()).close()
  })

  it("a role that does not own Limn's tables says so", async () => {
    await inDatabase(`${grant}; CREATE EXTENSION vector; CREATE EXTENSION pg_trgm`)
    await (await opening()).close()
    await inDatabase(
      `REASSIGN OWNED BY ${name} TO CURRENT_USER; UPDATE "_prisma_migrations" SET migration_name = migration_name`,
    )
    await expect(opening()).rejects.toThrow(
      /permission denied for table .* use the role that owns Limn's tables/,
    )
  })

  it('a statement that waits for a lock gives up, as a database that has too much to do', {
    timeout: 60_000,
  }, async () => {
    const { db, url, close } = await openTestDatabase()
    const holder = new pg.Client(url!)
    await holder.connect()
    await holder.query('BEGIN; LOCK TABLE "Asset" IN ACCESS EXCLUSIVE MODE')
    const begun = performance.now()
    await expect(db.assets.count()).rejects.toThrow(DatabaseBusy)
    expect(performance.now() - begun).toBeLessThan(40_000)
    await holder.query('ROLLBACK')
    expect(await db.assets.count()).toBe(0)
    await holder.end()
    await close()
  })
})

it.runIf(!serverUrl)(
  'a connection that stands still in a transaction does not keep the embedded database',
  {
    timeout: 60_000,
  },
  async () => {
    const database = await PGlite.create()
    const { server, close } = serveWire(database, 'secret', 300)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const settings = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres', password: 'secret' }
    const [still, other] = [new pg.Client(settings), new pg.Client(settings)]
    const broken = new Promise((resolve) => still.once('error', resolve))
    await still.connect()
    await still.query('CREATE TABLE one (n int)')
    await still.query('BEGIN; INSERT INTO one VALUES (1)')
    await other.connect()
    expect((await other.query('SELECT count(*)::int AS n FROM one')).rows).toEqual([{ n: 0 }])
    await broken
    await other.end()
    await close()
    await database.close()
  },
)
