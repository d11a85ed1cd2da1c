import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { maintain } from '../../../prisma/embedded/maintenance.ts'
import { type Embedded, startEmbedded } from '../../../prisma/embedded/start.ts'
import { DatabaseUnavailable, StartupError } from '../../../prisma/errors.ts'
import { readLock } from '../../../prisma/home-lock.ts'
import { openDatabase } from '../../../prisma/open.ts'
import { testDatabase } from '../../support/database.ts'

const homes: string[] = []
const home = () => {
  homes.push(mkdtempSync(path.join(os.tmpdir(), 'limn-embedded-')))
  return homes.at(-1)!
}
afterEach(() => {
  for (const folder of homes.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A home with an empty database in it. */
async function prepared(): Promise<string> {
  const folder = home()
  await (await testDatabase()).prepare(folder)
  return folder
}

describe('the embedded database', () => {
  it('the embedded database keeps acknowledged rows when its server is killed, and opens again at once', async () => {
    const folder = await prepared()
    const program = `
      import { openDatabase } from ${JSON.stringify(path.resolve('prisma/open.ts'))}
      const db = await openDatabase({ home: process.argv[1] })
      const texts = { name: 'p', title: null, description: null, tags: [], collections: [] }
      for (let i = 0; ; i++) {
        await db.assets.add({ ...texts, contentHash: 'h' + i, mimeType: 'image/png', bytes: 1, width: 1, height: 1 })
        process.stdout.write(i + '\\n')
      }`
    for (let round = 0; round < 2; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const acknowledged = await untilKilled(child, 40 + 60 * round)
      const db = await openDatabase({ home: folder })
      const hashes = Array.from({ length: acknowledged + 1 }, (_, i) => `h${i}`)
      expect((await db.assets.byHashes(hashes)).size).toBe(acknowledged + 1)
      await db.close()
    }
    expect(readdirSync(folder).sort()).toEqual(['database', 'database.json', 'server-id'])
  })

  it('the embedded database has one server: the second refuses and names the first', async () => {
    const folder = await prepared()
    const db = await openDatabase({ home: folder })
    db.publish('http://127.0.0.1:4999')
    expect(readLock(folder)).toEqual({ pid: process.pid, url: 'http://127.0.0.1:4999', alive: true })
    const second = openDatabase({ home: folder })
    await expect(second).rejects.toThrow(StartupError)
    await expect(second).rejects.toThrow(`process ${process.pid}, which answers at http://127.0.0.1:4999`)
    await db.ping()
    await db.close()
    await (await openDatabase({ home: folder })).close()
  })

  it.each([
    ['19', /PostgreSQL 19.*PostgreSQL 18. Nothing was touched. Use the Limn that made it/],
    ['17', /PostgreSQL 17.*PostgreSQL 18. Nothing was touched/],
  ])('an embedded database of PostgreSQL %s is refused untouched', async (major, message) => {
    const folder = await prepared()
    const data = path.join(folder, 'database')
    writeFileSync(path.join(data, 'PG_VERSION'), `${major}\n`)
    const before = snapshot(data)
    await expect(openDatabase({ home: folder })).rejects.toThrow(message)
    expect(snapshot(data)).toEqual(before)
  })

  it('the embedded database is started again when its process is killed', async () => {
    const folder = await prepared()
    const db = await openDatabase({ home: folder })
    const { pid } = JSON.parse(readFileSync(path.join(folder, 'database.lock'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    const errors: unknown[] = []
    const answers = () =>
      db.ping().then(
        () => true,
        (error) => errors.push(error) < 0,
      )
    await expect.poll(answers, { timeout: 20_000 }).toBe(true)
    for (const error of errors) expect(error).toBeInstanceOf(DatabaseUnavailable)
    expect(await db.assets.count()).toBe(0)
    await db.close()
  })

  it('the embedded database ends when its server is gone, also by Ctrl-C, and leaves no socket', async () => {
    const folder = await prepared()
    const program = `
      import { openDatabase } from ${JSON.stringify(path.resolve('prisma/open.ts'))}
      await openDatabase({ home: process.argv[1] })
      process.stdout.write('0\\n')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    const { pid } = JSON.parse(readFileSync(path.join(folder, 'database.lock'), 'utf8'))
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pid, signal)
    child.kill('SIGINT')
    await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false)
    expect(readdirSync(folder)).not.toContain('database.lock')
  })
})

describe('the wire in front of the embedded database', () => {
  let embedded: Embedded
  let folder: string
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'limn-wire-'))
    await (await testDatabase()).prepare(folder)
    embedded = await startEmbedded({ home: folder })
  })
  afterAll(async () => {
    await embedded?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('the wire keeps statements of many connections apart, also those that come in pieces', async () => {
    const pool = new pg.Pool({ ...embedded.connection, max: 8 })
    const large = 'x'.repeat(2_000_000)
    const answers = Array.from({ length: 60 }, async (_, i) => {
      const width = (i % 7) + 1
      const text = i % 5 === 0 ? large : 'y'.repeat(i)
      const columns = Array.from({ length: width }, (_, n) => `length($${n + 1}::text) AS c${n}`).join(', ')
      const { rows } = await pool.query(`SELECT ${columns}`, Array(width).fill(text))
      expect(Object.values(rows[0])).toEqual(Array(width).fill(text.length))
    })
    await Promise.all(answers)
    await pool.end()
  })

  it('the wire gives a transaction the session to itself and undoes it when its connection breaks', async () => {
    const pool = new pg.Pool({ ...embedded.connection, max: 8 })
    await pool.query('CREATE TABLE counter (n int); INSERT INTO counter VALUES (0)')
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        const client = await pool.connect()
        await client.query('BEGIN')
        const { rows } = await client.query('SELECT n FROM counter')
        await client.query('UPDATE counter SET n = $1', [rows[0].n + 1])
        await client.query('COMMIT')
        client.release()
      }),
    )
    const broken = new pg.Client(embedded.connection)
    broken.on('error', () => {})
    await broken.connect()
    await broken.query('BEGIN; UPDATE counter SET n = 1000')
    ;(broken as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    const { rows } = await pool.query('SELECT n FROM counter')
    expect(rows[0].n).toBe(40)
    await pool.end()
  })

  it('the wire answers errors to whom they belong and goes on', async () => {
    const pool = new pg.Pool({ ...embedded.connection, max: 4 })
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => pool.query('SELECT 10 / $1::int AS n', [i % 2])),
    )
    expect(results.map(({ status }) => status)).toEqual(
      Array.from({ length: 20 }, (_, i) => (i % 2 ? 'fulfilled' : 'rejected')),
    )
    await pool.end()
  })

  it('the wire refuses who does not know its secret', async () => {
    const client = new pg.Client({ ...embedded.connection, password: 'guessed' })
    await expect(client.connect()).rejects.toThrow()
  })
})

describe('maintenance of the embedded database', () => {
  it('maintenance reuses the room of rows that were written anew, and keeps the log short', async () => {
    const folder = await prepared()
    const embedded = await startEmbedded({ home: folder })
    const pool = new pg.Pool(embedded.connection)
    const ask = async (sql: string, values?: unknown[]) => (await pool.query(sql, values)).rows[0]
    await ask(
      `INSERT INTO "GuidanceRun" ("id", "generator", "input", "steps") VALUES ('run', 'PIXELS', '{}', 9)`,
    )
    const megabytes = async () =>
      (await ask(`SELECT pg_table_size('"GuidanceRun"') / 2 ^ 20 AS size`)).size as number
    const write = async () => {
      for (let i = 0; i < 40; i++)
        await ask('UPDATE "GuidanceRun" SET "state" = $1', [randomBytes(2 * 2 ** 20)])
    }
    const log = () =>
      readdirSync(path.join(folder, 'database', 'pg_wal')).filter((name) => /^[0-9A-F]{24}$/.test(name))
        .length
    const vacuums = async () =>
      (await ask(`SELECT vacuum_count::int AS n FROM pg_stat_user_tables WHERE relname = 'GuidanceRun'`)).n

    await maintain(pool)
    expect(await vacuums()).toBe(0)
    await write()
    const once = await megabytes()
    expect(once).toBeGreaterThan(75)
    // Maintenance leaves alone what ended the database the last time, and begins nothing in a server that closes.
    await maintain(pool, { skipped: new Set(['"GuidanceRun"']) })
    await maintain(pool, { signal: AbortSignal.abort() })
    expect(await vacuums()).toBe(0)
    await maintain(pool)
    expect(await vacuums()).toBe(1)
    const files = log()
    for (let round = 0; round < 3; round++) {
      await write()
      await maintain(pool)
    }
    expect(await megabytes()).toBeLessThan(once * 1.2)
    // Of 16 MB each.
    expect(log()).toBeLessThanOrEqual(Math.max(files, 128 / 16 + 1))
    await pool.end()
    await embedded.close()
  })
})

/** Kills the child after it has acknowledged `count` rows; the number of the last one heard of. */
async function untilKilled(child: ChildProcess, count: number): Promise<number> {
  let text = ''
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.stdout!.on('data', (chunk) => {
    text += chunk
    if (text.split('\n').length > count) child.kill('SIGKILL')
  })
  await ended
  return Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1))
}

function snapshot(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return Object.fromEntries(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name)
      return [file, readFileSync(file).toString('latin1')]
    }),
  )
}

function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}
