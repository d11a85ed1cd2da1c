/**
 * Fresh, empty, migrated databases: embedded ones, or on the server of LIMN_TEST_DATABASE_URL. Each is a copy of a
 * template, which is made once for each state of the migrations.
 */
import { createHash, randomUUID } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Backend } from '../../prisma/backends/backend.ts'
import { embedded } from '../../prisma/backends/embedded.ts'
import { postgres } from '../../prisma/backends/postgres.ts'
import { readMigrations } from '../../prisma/migrate.ts'
import { openDatabase } from '../../prisma/open.ts'
import type { Database } from '../../prisma/types.ts'

const serverUrl = process.env.LIMN_TEST_DATABASE_URL

export interface TestDatabase {
  /** For DATABASE_URL; undefined means the embedded database of the home that was prepared. */
  url: string | undefined
  /** Puts an empty, migrated embedded database into a home: initdb takes seconds, a copy does not. */
  prepare(home: string): Promise<void>
  /** Drops what was made on a server. */
  close(): Promise<void>
}

/** An empty database that nobody has open. */
export async function testDatabase(): Promise<TestDatabase> {
  if (!serverUrl) return { url: undefined, prepare: copyTemplate, async close() {} }
  const name = `limn_test_${randomUUID().replaceAll('-', '')}`
  await createFromTemplate(name)
  return {
    url: databaseUrl(name),
    async prepare() {},
    async close() {
      await onServer((client) => client.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`))
    },
  }
}

/** An empty database with a LIMN_HOME of its own, that nobody has open. */
export interface DatabasePlace {
  /** Null for the embedded database. */
  url: string | null
  home: string
  /** Removes both. */
  remove(): Promise<void>
}

export async function testPlace(): Promise<DatabasePlace> {
  const { url, prepare, close } = await testDatabase()
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-test-'))
  await prepare(home)
  return {
    url: url ?? null,
    home,
    async remove() {
      await close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** The same, open; `close()` removes all of it. */
export async function openTestDatabase(): Promise<{
  db: Database
  home: string
  url: string | null
  close(): Promise<void>
}> {
  const { url, home, remove } = await testPlace()
  const db = await openDatabase({ home, url })
  return {
    db,
    home,
    url,
    async close() {
      await db.close()
      await remove()
    },
  }
}

/** A pool on an empty database, for tests of what lies between the stores and SQL; `close()` removes all of it. */
export async function openTestPool(): Promise<{
  pool: pg.Pool
  backend: Backend
  home: string
  close(): Promise<void>
}> {
  const place = await testPlace()
  const backend = place.url ? postgres : embedded
  const { config, close } = await backend.connect(place)
  const pool = new pg.Pool(config)
  // The database may be dropped while a connection is still being closed.
  pool.on('error', () => {})
  return {
    pool,
    backend,
    home: place.home,
    async close() {
      await pool.end()
      await close()
      await place.remove()
    },
  }
}

async function copyTemplate(home: string): Promise<void> {
  mkdirSync(home, { recursive: true })
  cpSync(path.join(await embeddedTemplate(), 'database'), path.join(home, 'database'), { recursive: true })
}

/** Changes with every migration and every version of the embedded PostgreSQL. */
function templateKey(): string {
  const manifest = new URL('../../node_modules/@electric-sql/pglite/package.json', import.meta.url)
  const hash = createHash('sha256').update(readFileSync(manifest))
  for (const { checksum } of readMigrations()) hash.update(checksum)
  return hash.digest('hex').slice(0, 16)
}

async function embeddedTemplate(): Promise<string> {
  const cache = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))
  const folder = path.join(cache, `limn-test-database-${templateKey()}`)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const draft = mkdtempSync(`${folder}-`)
  await (await openDatabase({ home: draft })).close()
  try {
    renameSync(draft, folder)
  } catch (error) {
    // Another test process was faster.
    if (!existsSync(folder)) throw error
    rmSync(draft, { recursive: true, force: true })
  }
  return folder
}

async function createFromTemplate(name: string) {
  const template = `limn_template_${templateKey()}`
  await onServer(async (client) => {
    // One at a time: a template must have no other connection while it is copied or made.
    await client.query('SELECT pg_advisory_lock(5177)')
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [template])
    if (!rowCount) {
      const draft = `${template}_draft`
      await client.query(`DROP DATABASE IF EXISTS "${draft}"`)
      await client.query(`CREATE DATABASE "${draft}"`)
      const home = mkdtempSync(path.join(os.tmpdir(), 'limn-test-'))
      await (await openDatabase({ url: databaseUrl(draft), home })).close()
      rmSync(home, { recursive: true, force: true })
      await client.query(`ALTER DATABASE "${draft}" RENAME TO "${template}"`)
    }
    await client.query(`CREATE DATABASE "${name}" TEMPLATE "${template}"`)
  })
}

function databaseUrl(name: string): string {
  const url = new URL(serverUrl!)
  url.pathname = `/${name}`
  return url.href
}

async function onServer<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
