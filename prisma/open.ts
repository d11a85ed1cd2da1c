import pg from 'pg'
import type { Backend } from './backends/backend.ts'
import { embedded } from './backends/embedded.ts'
import { postgres } from './backends/postgres.ts'
import { withoutTimeLimits } from './backends/time-limits.ts'
import { mapDriverErrors, StartupError } from './errors.ts'
import { lockHome } from './home-lock.ts'
import { migrate } from './migrate.ts'
import { scopeTo } from './scope.ts'
import { serverId } from './server-id.ts'
import { openStores } from './stores.ts'
import type { Database, DatabaseInfo, OpenDatabaseOptions } from './types.ts'

/** The oldest server whose SQL this uses, and the first pgvector with iterative scans. */
const oldestServer = 13
const oldestPgvector = [0, 8]

/**
 * Opens the database and holds the whole data folder: `close()` lets go of both.
 * @throws StartupError with a message for people; nothing was touched
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  const { url, home, log } = options
  const backend = url ? postgres : embedded
  const lock = lockHome(home)
  const closing: (() => Promise<void> | void)[] = [() => lock.release()]
  const close = async () => {
    while (closing.length > 0) await closing.pop()!()
  }
  try {
    const begun = performance.now()
    const connection = await backend.connect(options)
    closing.push(() => connection.close())
    const pool = openPool(connection.config, backend, log)
    closing.push(() => pool.end())
    const info: DatabaseInfo = { kind: backend.kind, ...(await prepare(pool, log)) }
    const maintenance = backend.maintain(pool, info, options)
    closing.push(() => maintenance.close())
    const { close: closeStores, ...stores } = openStores(pool, backend, serverId(home), log)
    closing.push(closeStores)
    await stores.leases.forgetExpired()
    await stores.runs.forgetKeys()
    const ms = Math.round(performance.now() - begun)
    log?.info({ ...info, ms }, 'database open')
    return {
      ...stores,
      info,
      for: (caller) => scopeTo(caller, stores),
      ping: () => mapDriverErrors(async () => void (await pool.query('SELECT 1'))),
      publish: (serverUrl) => lock.publish({ url: serverUrl }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function openPool(
  config: pg.PoolConfig,
  { poolSize, sessionSettings }: Backend,
  log: OpenDatabaseOptions['log'],
): pg.Pool {
  // Assigned, not copied: node-postgres keeps this object and reads it at each connect.
  const pool = new pg.Pool(
    Object.assign(config, {
      max: poolSize,
      connectionTimeoutMillis: 20_000,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
      onConnect: async (client: pg.ClientBase) => {
        // Its query gets the error too; a connection in use that breaks would otherwise end the server.
        client.on('error', () => {})
        if (sessionSettings) await client.query(sessionSettings)
      },
    }),
  )
  // An idle connection that breaks is replaced at its next use; without a listener it would end the server.
  let reported = Number.NEGATIVE_INFINITY
  pool.on('error', (error) => {
    // A database that goes breaks all of them together.
    if (performance.now() - reported < 1000) return
    reported = performance.now()
    log?.warn({ reason: error.message }, 'a database connection was lost')
  })
  return pool
}

/** Checks the server before anything is written, then migrates. */
async function prepare(pool: pg.Pool, log: OpenDatabaseOptions['log']): Promise<Omit<DatabaseInfo, 'kind'>> {
  await connect(pool)
  return withoutTimeLimits(pool, async (client) => {
    const { rows } = await client.query(
      `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
              (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS available,
              (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS installed,
              EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm') AS trigrams`,
    )
    const { version, major, available, installed, trigrams } = rows[0]
    if (major < oldestServer)
      throw new StartupError(`The server is PostgreSQL ${version}; Limn needs ${oldestServer} or later.`)
    const pgvector: string | null = installed ?? available
    if (!pgvector) throw new StartupError(noPgvector(version, major))
    if (!isRecent(pgvector))
      throw new StartupError(oldPgvector(pgvector, installed !== null && isRecent(available ?? '0')))
    if (!trigrams) throw new StartupError(noTrigrams(version, major))
    const applied = await migrate(client)
    if (applied.length > 0) log?.info({ applied }, 'database migrated')
    return { version: String(version).split(' ')[0]!, pgvector }
  })
}

/** @throws StartupError when the server is not to be reached */
async function connect(pool: pg.Pool): Promise<void> {
  try {
    const client = await pool.connect()
    client.release()
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

const noTrigrams = (version: string, major: number) =>
  `PostgreSQL ${version} has no pg_trgm, which is among its own contrib modules. Install them on the database's machine (Debian and Ubuntu: the package postgresql-${major}; Fedora: postgresql-contrib), or unset DATABASE_URL for the embedded database.`

const oldPgvector = (version: string, updatable: boolean) =>
  updatable
    ? `The database has pgvector ${version}; Limn needs 0.8 or later, and the server has it: run ALTER EXTENSION vector UPDATE in that database.`
    : `The server has pgvector ${version}; Limn needs 0.8 or later, whose index scans can be filtered. Install a newer one and run ALTER EXTENSION vector UPDATE.`
