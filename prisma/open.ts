import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaAssets } from './assets.ts'
import { startMaintenance } from './embedded/maintenance.ts'
import { noteVersions, startEmbedded } from './embedded/start.ts'
import { PgEnrichments } from './enrichments.ts'
import { mapDriverErrors, StartupError } from './errors.ts'
import { PrismaClient } from './generated/client.ts'
import { lockHome } from './home-lock.ts'
import { PgLeases } from './leases.ts'
import { migrate } from './migrate.ts'
import { PrismaRuns } from './runs.ts'
import { serverId } from './server-id.ts'
import type { Database, DatabaseInfo, OpenDatabaseOptions } from './types.ts'
import { PgVectors } from './vectors/store.ts'

/** The oldest server whose SQL this uses, and the first pgvector with iterative scans. */
const oldestServer = 13
const oldestPgvector = [0, 8]

/**
 * Opens the database and holds the whole data folder: `close()` lets go of both.
 * @throws StartupError with a message for people; nothing was touched
 */
export async function openDatabase({ url, home, log }: OpenDatabaseOptions): Promise<Database> {
  const lock = lockHome(home)
  const closing: (() => Promise<void> | void)[] = [() => lock.release()]
  const close = async () => {
    while (closing.length > 0) await closing.pop()!()
  }
  try {
    const kind: DatabaseInfo['kind'] = url ? 'postgres' : 'embedded'
    const begun = performance.now()
    let connection: pg.PoolConfig = { connectionString: url ?? '' }
    if (!url) {
      const embedded = await startEmbedded({ home, log })
      closing.push(() => embedded.close())
      connection = embedded.connection
    }
    const pool = makePool(connection, kind, log)
    closing.push(() => pool.end())
    const info = await prepare(pool, kind, log)
    if (!url) {
      noteVersions(home, { postgres: info.version, pgvector: info.pgvector })
      const upkeep = startMaintenance(pool, log)
      closing.push(() => upkeep.close())
    }
    const client = new PrismaClient({ adapter: new PrismaPg(pool) })
    closing.push(() => client.$disconnect())

    const vectors = new PgVectors(pool, kind)
    const owner = serverId(home)
    const leases = new PgLeases(pool, owner)
    await leases.forgetExpired()
    const ms = Math.round(performance.now() - begun)
    log?.info({ ...info, ms }, 'database open')
    return {
      info,
      vectors,
      assets: new PrismaAssets(client, () => vectors.assetsChanged()),
      runs: new PrismaRuns(client, pool, owner),
      leases,
      enrichments: new PgEnrichments(pool),
      ping: () => mapDriverErrors(async () => void (await pool.query('SELECT 1'))),
      publish: (serverUrl) => lock.publish({ url: serverUrl }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function makePool(
  connection: pg.PoolConfig,
  kind: DatabaseInfo['kind'],
  log: OpenDatabaseOptions['log'],
): pg.Pool {
  // One session serves the embedded database: more connections would only wait in another place.
  const max = kind === 'embedded' ? 6 : 12
  // node-postgres keeps this object and reads it at each connect: a restarted embedded database may have a new port.
  const pool = new pg.Pool(
    Object.assign(connection, {
      max,
      connectionTimeoutMillis: 20_000,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
    }),
  )
  // An idle connection that breaks is replaced at its next use; without a listener it would end the server.
  pool.on('error', (error) => log?.warn({ err: error }, 'a database connection was lost'))
  return pool
}

/** Looks at the server before anything is written, then migrates. */
async function prepare(
  pool: pg.Pool,
  kind: DatabaseInfo['kind'],
  log: OpenDatabaseOptions['log'],
): Promise<DatabaseInfo> {
  const client = await connect(pool)
  try {
    const { rows } = await client.query(
      `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
              (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available,
              (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed`,
    )
    const { version, major, available, installed } = rows[0]
    if (major < oldestServer)
      throw new StartupError(`The server is PostgreSQL ${version}; Limn needs ${oldestServer} or later.`)
    const pgvector: string | null = installed ?? available
    if (!pgvector) throw new StartupError(noPgvector(version, major))
    if (!isRecent(pgvector))
      throw new StartupError(oldPgvector(pgvector, installed !== null && isRecent(available ?? '0')))
    const applied = await migrate(client)
    if (applied.length > 0) log?.info({ applied }, 'database migrated')
    return { kind, version: String(version).split(' ')[0]!, pgvector }
  } finally {
    client.release()
  }
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    const { host, port, database } = pool.options
    const reason = (error as Error).message || (error as NodeJS.ErrnoException).code
    const where = host ? ` at ${host}:${port ?? 5432}/${database ?? ''}` : ''
    throw new StartupError(
      `PostgreSQL${where} cannot be reached: ${reason}. Is DATABASE_URL right and the server up?`,
      {
        cause: error,
      },
    )
  }
}

const isRecent = (version: string) => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > oldestPgvector[0]! || (major === oldestPgvector[0] && minor >= oldestPgvector[1]!)
}

const noPgvector = (version: string, major: number) =>
  `PostgreSQL ${version} has no pgvector. Install version 0.8 or later on the database's machine (Debian and Ubuntu: the package postgresql-${major}-pgvector; Docker: the image pgvector/pgvector:pg${major}), or unset DATABASE_URL for the embedded database.`

const oldPgvector = (version: string, updatable: boolean) =>
  updatable
    ? `The database has pgvector ${version}; Limn needs 0.8 or later, and the server has it: run ALTER EXTENSION vector UPDATE in that database.`
    : `The server has pgvector ${version}; Limn needs 0.8 or later, whose index scans can be filtered. Install a newer one and run ALTER EXTENSION vector UPDATE.`
