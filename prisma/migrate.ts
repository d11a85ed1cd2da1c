/**
 * Applies the plain SQL of prisma/migrations and records it in `_prisma_migrations` as Prisma itself does, so that
 * `prisma migrate deploy` agrees later. Prisma's own engine is a download and cannot reach the embedded database. The
 * few files are read synchronously, at the start.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ClientBase } from 'pg'
import { StartupError } from './errors.ts'

export interface Migration {
  name: string
  sql: string
  /** SHA-256 of the file, in hexadecimal. */
  checksum: string
}

export const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url))

/** In the order of their names. */
export function readMigrations(folder = migrationsFolder): Migration[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const sql = readFileSync(path.join(folder, name, 'migration.sql'), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

const table = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`
/** The key of Prisma's own advisory lock: neither runs while the other does. */
const lockKey = 72707369

/**
 * Brings the schema up to date; returns the names of what was applied.
 * @throws StartupError when the database was migrated by a newer Limn or by other files, with nothing touched
 */
export async function migrate(client: ClientBase, migrations = readMigrations()): Promise<string[]> {
  await client.query(`SELECT pg_advisory_lock(${lockKey})`)
  try {
    const pending = await unapplied(client, migrations)
    if (pending.length > 0) await client.query(table)
    for (const migration of pending) await apply(client, migration)
    return pending.map(({ name }) => name)
  } catch (error) {
    throw (error as { code?: string }).code === '42501' ? await missingRights(client, error as Error) : error
  } finally {
    await client.query(`SELECT pg_advisory_unlock(${lockKey})`)
  }
}

async function unapplied(client: ClientBase, migrations: readonly Migration[]): Promise<Migration[]> {
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  const applied = new Set<string>()
  for (const row of await recorded(client)) {
    const migration = known.get(row.migration_name)
    if (!migration)
      throw new StartupError(
        `The database was made by a newer Limn: it has the migration "${row.migration_name}", which this one does not know. Nothing was touched. Use that Limn, or another database.`,
      )
    if (!row.finished_at)
      throw new StartupError(
        `The migration "${row.migration_name}" was begun on this database but not finished. Restore a backup, or finish it by hand and run \`prisma migrate resolve\`.`,
      )
    if (row.checksum !== migration.checksum)
      throw new StartupError(
        `The migration "${row.migration_name}" on this database is not the one this Limn has (checksum ${row.checksum.slice(0, 12)}, here ${migration.checksum.slice(0, 12)}). Nothing was touched. Use the Limn that made the database.`,
      )
    applied.add(row.migration_name)
  }
  return migrations.filter(({ name }) => !applied.has(name))
}

interface Recorded {
  migration_name: string
  checksum: string
  finished_at: Date | null
}

async function recorded(client: ClientBase): Promise<Recorded[]> {
  const { rows: tables } = await client.query(
    `SELECT to_regclass('"_prisma_migrations"') IS NOT NULL AS there`,
  )
  if (!tables[0].there) return []
  const { rows } = await client.query(
    'SELECT migration_name, checksum, finished_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL ORDER BY started_at',
  )
  return rows
}

async function apply(client: ClientBase, { name, sql, checksum }: Migration) {
  await client.query('BEGIN')
  try {
    const started = new Date()
    await client.query(sql)
    await client.query(
      'INSERT INTO "_prisma_migrations" (id, checksum, started_at, finished_at, migration_name, logs, applied_steps_count) VALUES ($1, $2, $3, now(), $4, NULL, 1)',
      [randomUUID(), checksum, started, name],
    )
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    const { code, message } = error as Error & { code?: string }
    if (code === '42501') throw error
    throw new StartupError(`The migration "${name}" failed and was undone: ${message}.`, { cause: error })
  }
}

/** All that the migrations make. */
const extensions = 'CREATE EXTENSION IF NOT EXISTS vector; CREATE EXTENSION IF NOT EXISTS pg_trgm'

/** Names the role and the statement that gives it what it lacks. */
async function missingRights(client: ClientBase, error: Error): Promise<StartupError> {
  const { rows } = await client.query<{ role: string; database: string; schema: string }>(
    `SELECT quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
            quote_ident(coalesce(current_schema(), 'public')) AS schema`,
  )
  const { role, database, schema } = rows[0]!
  const remedy = /extension/i.test(error.message)
    ? `let a superuser run \`${extensions}\` in the database ${database}, or, where the server trusts the extensions, \`GRANT CREATE ON DATABASE ${database} TO ${role}\``
    : /schema/i.test(error.message)
      ? `let the owner of the schema run \`GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${role}\` in the database ${database}`
      : `use the role that owns Limn's tables, or let that one run \`GRANT ALL ON ALL TABLES IN SCHEMA ${schema} TO ${role}\` in the database ${database}`
  return new StartupError(
    `The role ${role} of DATABASE_URL may not prepare the database: ${error.message}. The step was undone. To go on, ${remedy}, then start again.`,
    { cause: error },
  )
}
