/** Applies the plain SQL of prisma/migrations and records it as `prisma migrate deploy` does. */
import { createHash, randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { PrismaClient } from './client/client.ts'
import { StartupError } from './errors.ts'

interface Migration {
  name: string
  sql: string
  checksum: string
}

function migrations(): Migration[] {
  const folder = new URL('./migrations/', import.meta.url)
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return names
    .map(({ name }) => {
      const sql = readFileSync(new URL(`${name}/migration.sql`, folder), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Prisma's own table, word for word. */
const ledger = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`

/** The number Prisma locks while it migrates: two servers that start at once do not both migrate. */
const advisoryLock = 72707369

/** @throws StartupError when the database was made by a newer Limn, or a migration was changed after it ran */
export async function migrate(client: PrismaClient): Promise<void> {
  const known = migrations()
  await client.$transaction(
    async (tx) => {
      await tx.$executeRawUnsafe(`SELECT pg_advisory_xact_lock(${advisoryLock})`)
      await tx.$executeRawUnsafe(ledger)
      const applied = await tx.$queryRawUnsafe<{ migration_name: string; checksum: string }[]>(
        'SELECT migration_name, checksum FROM "_prisma_migrations" WHERE rolled_back_at IS NULL AND finished_at IS NOT NULL',
      )
      check(applied, known)
      const done = new Set(applied.map(({ migration_name }) => migration_name))
      for (const { name, sql, checksum } of known.filter(({ name }) => !done.has(name))) {
        for (const statement of statements(sql)) await tx.$executeRawUnsafe(statement)
        await tx.$executeRawUnsafe(
          'INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), 1)',
          randomUUID(),
          checksum,
          name,
        )
      }
    },
    { timeout: 120_000, maxWait: 30_000 },
  )
}

function check(applied: { migration_name: string; checksum: string }[], known: Migration[]): void {
  const byName = new Map(known.map((migration) => [migration.name, migration]))
  for (const { migration_name: name, checksum } of applied) {
    const migration = byName.get(name)
    if (!migration)
      throw new StartupError(
        `The database was made by a newer Limn: it has the migration ${name}, which this one does not know. Nothing was touched.`,
      )
    if (migration.checksum !== checksum)
      throw new StartupError(`The migration ${name} is not the one that this database was made with. Nothing was touched.`)
  }
}

/** The statements of a migration: one a call, as the wire protocol's prepared statements want. $$ quotes bodies. */
function statements(sql: string): string[] {
  const parts: string[] = []
  let current = ''
  let quoted = false
  for (const line of sql.split('\n')) {
    if (!quoted && line.trimStart().startsWith('--')) continue
    if ((line.match(/\$\$/g)?.length ?? 0) % 2 === 1) quoted = !quoted
    current += `${line}\n`
    if (!quoted && line.trimEnd().endsWith(';')) {
      parts.push(current.trim().replace(/;$/, ''))
      current = ''
    }
  }
  if (current.trim()) parts.push(current.trim())
  return parts
}
