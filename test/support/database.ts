/** Fresh, empty databases for tests: embedded, or on the PostgreSQL that LIMN_TEST_DATABASE_URL names. */
import { randomUUID } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '../../prisma/client/client.ts'
import { openDatabase } from '../../prisma/open.ts'
import type { Database } from '../../prisma/types.ts'

const server = process.env.LIMN_TEST_DATABASE_URL

export interface TestDatabase {
  /** For DATABASE_URL; undefined means the embedded database of the home that was prepared. */
  url: string | undefined
  /** Puts an initialised embedded database into a home: initdb takes seconds, a copy does not. */
  prepare(home: string): Promise<void>
  /** Drops what was made on a server. */
  close(): Promise<void>
}

export async function testDatabase(): Promise<TestDatabase> {
  if (!server) return { url: undefined, prepare: copyTemplate, async close() {} }
  const name = `limn_${randomUUID().replaceAll('-', '')}`
  await onServer(`CREATE DATABASE ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, async prepare() {}, close: () => onServer(`DROP DATABASE ${name} WITH (FORCE)`) }
}

/** A database opened in a temporary home, for tests of prisma/ and what stands on it. */
export async function openTestDatabase(): Promise<{
  db: Database
  home: string
  url?: string
  close(): Promise<void>
}> {
  const database = await testDatabase()
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-database-'))
  await database.prepare(home)
  const db = await openDatabase({ home, url: database.url })
  return {
    db,
    home,
    url: database.url,
    async close() {
      await db.close()
      await database.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

async function onServer(statement: string): Promise<void> {
  const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: server, max: 1 }) })
  await client.$executeRawUnsafe(statement)
  await client.$disconnect()
}

/** Made once for all test files of this checkout; a new migration makes a new one. */
async function copyTemplate(home: string): Promise<void> {
  const { mtimeMs } = await import('node:fs').then((fs) => fs.statSync('prisma/migrations'))
  const template = path.resolve('node_modules', '.cache', `limn-database-${Math.round(mtimeMs)}`)
  if (!existsSync(template)) {
    const draft = `${template}.${process.pid}`
    mkdirSync(draft, { recursive: true })
    await (await openDatabase({ home: draft })).close()
    try {
      renameSync(draft, template)
    } catch {
      // Another test file was first.
      rmSync(draft, { recursive: true, force: true })
    }
  }
  mkdirSync(home, { recursive: true })
  cpSync(path.join(template, 'database'), path.join(home, 'database'), { recursive: true })
}
