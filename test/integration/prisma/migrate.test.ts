import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schemaDiff } from '../../../prisma/dev/diff.ts'
import { startEmbedded } from '../../../prisma/embedded/start.ts'
import { StartupError } from '../../../prisma/errors.ts'
import { migrate, readMigrations } from '../../../prisma/migrate.ts'
import { openDatabase } from '../../../prisma/open.ts'
import { type DatabasePlace, testPlace } from '../../support/database.ts'

let place: DatabasePlace
let client: pg.Client
let closeServer: () => Promise<void> = async () => {}

beforeAll(async () => {
  place = await testPlace()
  const embedded = place.url ? null : await startEmbedded(place)
  if (embedded) closeServer = embedded.close
  client = new pg.Client(embedded?.connection ?? { connectionString: place.url! })
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await closeServer()
  await place.remove()
})

const recorded = async () =>
  (await client.query('SELECT * FROM "_prisma_migrations" ORDER BY started_at, migration_name')).rows
const extra = (sql: string, name = '9999_extra') => [
  ...readMigrations(),
  { name, sql, checksum: 'c'.repeat(64) },
]

describe('migrations', () => {
  it('the migrations make what schema.prisma says', async () => {
    expect(await schemaDiff()).toBe('-- This is an empty migration.\n')
  })

  it('migrations are recorded as Prisma records them', async () => {
    const rows = await recorded()
    expect(rows.map((row) => row.migration_name)).toEqual(readMigrations().map(({ name }) => name))
    for (const row of rows) {
      expect(row.checksum).toMatch(/^[0-9a-f]{64}$/)
      expect(row.id).toMatch(/^[0-9a-f-]{36}$/)
      expect(row.finished_at.getTime()).toBeGreaterThanOrEqual(row.started_at.getTime() - 1000)
      expect(row).toMatchObject({ logs: null, rolled_back_at: null, applied_steps_count: 1 })
    }
  })

  it('the migrations leave an index that ANALYZE, which has no search_path, can read', async () => {
    await client.query(
      `INSERT INTO "Asset" ("id", "contentHash", "name", "mimeType", "bytes", "width", "height") VALUES ('a', 'a', 'redHeart', 'image/png', 1, 1, 1)`,
    )
    await client.query('ANALYZE "Asset"')
    await client.query('DELETE FROM "Asset"')
  })

  it('the migrations index tags as filters compare them', async () => {
    await client.query('BEGIN; SET LOCAL enable_seqscan = off')
    const { rows } = await client.query(
      `EXPLAIN SELECT 1 FROM "Asset" a WHERE limn_folded(a."tags") && limn_folded(ARRAY['CAR'])`,
    )
    await client.query('ROLLBACK')
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('"Asset_folded_tags_idx"')
  })

  it('the migrations index collections as filters compare them', async () => {
    await client.query('BEGIN; SET LOCAL enable_seqscan = off')
    const { rows } = await client.query(
      `EXPLAIN SELECT 1 FROM "Asset" a WHERE limn_collection_paths(a."collections") && limn_folded(ARRAY['Brand'])`,
    )
    await client.query('ROLLBACK')
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('"Asset_collection_paths_idx"')
  })

  it('an earlier collection becomes a path, and missing tags become none', async () => {
    await client.query('CREATE SCHEMA earlier; SET search_path TO earlier, public')
    const all = readMigrations()
    const at = all.findIndex(({ name }) => name === '0006_collections')
    for (const { sql } of all.slice(0, at)) await client.query(sql)
    const deep = Array.from({ length: 20 }, (_, n) => `l${n}`)
    const before = [null, 'Trip', ' / Brand // Logos /', '//', deep.join('/')]
    for (const [n, collection] of before.entries())
      await client.query(
        `INSERT INTO "Asset" ("id", "contentHash", "name", "mimeType", "bytes", "width", "height", "collection") VALUES ($1, $1, 'a', 'image/png', 1, 1, 1, $2)`,
        [`asset_${n}`, collection],
      )
    await client.query(all[at]!.sql)
    const { rows } = await client.query('SELECT "collections", "tags" FROM "Asset" ORDER BY "id"')
    await client.query('SET search_path TO DEFAULT; DROP SCHEMA earlier CASCADE')
    expect(rows.map((row) => row.collections)).toEqual([
      [],
      ['Trip'],
      ['Brand/Logos'],
      [],
      [[...deep.slice(0, 15), deep.slice(15).join(' - ')].join('/')],
    ])
    expect(rows.map((row) => row.tags)).toEqual(rows.map(() => []))
  })

  it('migrations are applied once', async () => {
    const before = await recorded()
    expect(await migrate(client)).toEqual([])
    expect(await recorded()).toEqual(before)
  })

  it('a migration that fails leaves nothing behind', async () => {
    const failing = extra('CREATE TABLE "Half" (id int); SELECT 1 / 0;')
    await expect(migrate(client, failing)).rejects.toThrow(
      /"9999_extra" failed and was undone: division by zero/,
    )
    const { rows } = await client.query(`SELECT to_regclass('"Half"') AS half`)
    expect(rows[0].half).toBeNull()
    expect((await recorded()).some((row) => row.migration_name === '9999_extra')).toBe(false)
  })

  it('migrations of a newer Limn, or changed ones, are refused with nothing touched', async () => {
    await migrate(client, extra('CREATE TABLE "Newer" (id int)', '9998_newer'))
    const before = await recorded()
    await expect(migrate(client)).rejects.toThrow(/made by a newer Limn: it has the migration "9998_newer"/)
    await client.query(
      `UPDATE "_prisma_migrations" SET checksum = 'changed' WHERE migration_name LIKE '0001%'`,
    )
    await expect(migrate(client, extra('', '9998_newer'))).rejects.toThrow(/"0001_init".* is not the one/)
    await client.query(`UPDATE "_prisma_migrations" SET checksum = $1 WHERE migration_name LIKE '0001%'`, [
      readMigrations()[0]!.checksum,
    ])
    expect((await recorded()).length).toBe(before.length)
    await client.end()
    await closeServer()
    closeServer = async () => {}
    const opening = openDatabase(place)
    await expect(opening).rejects.toThrow(StartupError)
    await expect(opening).rejects.toThrow(/newer Limn/)
  })
})
