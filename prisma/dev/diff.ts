/**
 * Says whether the migrations make what schema.prisma says, for authors of either: `npx node prisma/dev/diff.ts` prints
 * the SQL that is still missing. Runs Prisma's schema engine as WebAssembly on an in-memory database, because the
 * command line would download an engine and cannot reach the embedded database.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { vector } from '@electric-sql/pglite-pgvector'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import { serveWire } from '../embedded/wire.ts'
import { migrate } from '../migrate.ts'

const schemaFile = new URL('../schema.prisma', import.meta.url)

/** The SQL that leads from the migrated database to `schema`; a comment alone, or nothing, when they agree. */
export async function schemaDiff(schema = readFileSync(schemaFile, 'utf8')): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-diff-'))
  const database = await PGlite.create({ extensions: { vector, pg_trgm } })
  const secret = 'diff'
  const { server, close } = serveWire(database, secret)
  await new Promise<void>((resolve) => server.listen(path.join(folder, '.s.PGSQL.5432'), resolve))
  const connection = { host: folder, port: 5432, user: 'postgres', database: 'postgres', password: secret }
  try {
    const client = new pg.Client(connection)
    await client.connect()
    await migrate(client)
    await client.end()

    const { SchemaEngine } = await loadEngine()
    const factory = bindMigrationAwareSqlAdapterFactory(catalogueAdapter(connection))
    const files = [{ path: 'schema.prisma', content: schema }]
    const datamodels = files.map(({ path, content }) => [path, content])
    const engine = await SchemaEngine.new({ datamodels }, () => {}, factory)
    const { stdout } = await engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: '.' },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      shadowDatabaseUrl: null,
      filters: { externalTables: [], externalEnums: [] },
    })
    return stdout ?? ''
  } finally {
    await close()
    await database.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** PostgreSQL's one-byte type "char", which only its catalogue uses, and text. */
const charOid = 18
const textOid = 25

/** The stock adapter refuses "char"; the schema engine, which reads the catalogue, needs it as a character. */
function catalogueAdapter(connection: pg.PoolConfig): PrismaPg {
  const pool = new pg.Pool(connection)
  let characters: number[] = []
  const query = pool.query.bind(pool) as (config: unknown) => Promise<pg.QueryResult>
  pool.query = (async (config: unknown) => {
    const result = await query(config)
    characters = result.fields.flatMap(({ dataTypeID }, i) => (dataTypeID === charOid ? [i] : []))
    for (const i of characters) result.fields[i]!.dataTypeID = textOid
    return result
  }) as typeof pool.query

  const factory = new PrismaPg(pool, { disposeExternalPool: true })
  const connect = factory.connect.bind(factory)
  factory.connect = async () => {
    const adapter = await connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (sql) => {
      const { columnTypes, ...rest } = await queryRaw(sql)
      // The engine asks one question at a time: these are its columns.
      for (const i of characters) columnTypes[i] = ColumnTypeEnum.Character
      return { columnTypes, ...rest }
    }
    return adapter
  }
  return factory
}

let loading: ReturnType<typeof instantiateEngine> | undefined
/** Once: its bindings hold one instance. */
const loadEngine = () => {
  loading ??= instantiateEngine()
  return loading
}

/** The package's own entry imports a .wasm file, which Node does not without a flag. */
async function instantiateEngine() {
  const folder = path.dirname(fileURLToPath(import.meta.resolve('@prisma/schema-engine-wasm')))
  const bindings = await import(path.join(folder, 'schema_engine_bg.js'))
  const { instance } = await WebAssembly.instantiate(
    readFileSync(path.join(folder, 'schema_engine_bg.wasm')),
    {
      './schema_engine_bg.js': bindings,
    },
  )
  bindings.__wbg_set_wasm(instance.exports)
  ;(instance.exports as { __wbindgen_start(): void }).__wbindgen_start()
  return bindings
}

if (import.meta.main) {
  const diff = await schemaDiff()
  console.log(diff.trim() || 'The migrations make what schema.prisma says.')
}
