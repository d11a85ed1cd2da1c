import path from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaAssets } from './assets.ts'
import { PrismaClient } from './client/client.ts'
import { startEmbedded } from './embedded.ts'
import { StartupError } from './errors.ts'
import { takeLock } from './lock.ts'
import { migrate } from './migrate.ts'
import { sessionSettings } from './settings.ts'
import type { Database, DatabaseInfo, OpenDatabaseOptions } from './types.ts'
import { PgVectors } from './vectors.ts'

/**
 * Takes the data folder, opens its database (the embedded one, or that of `url`) and brings its schema up to date.
 * @throws StartupError with nothing touched
 */
export async function openDatabase({ url, home, log }: OpenDatabaseOptions): Promise<Database> {
  const lock = await takeLock(path.join(home, 'lock'), `The data folder ${home}`)
  const undo: (() => Promise<unknown> | void)[] = [() => lock.release()]
  try {
    const kind: DatabaseInfo['kind'] = url ? 'postgres' : 'embedded'
    const embedded = url ? null : await startEmbedded(home)
    if (embedded) undo.unshift(() => embedded.close())
    const client = new PrismaClient({ adapter: url ? serverAdapter(url) : socketAdapter(embedded!.socketFolder) })
    undo.unshift(() => client.$disconnect())
    const info = { kind, ...(await versions(client, kind)) }
    await migrate(client)
    log?.info({ ...info }, 'database opened')
    return {
      info,
      assets: new PrismaAssets(client),
      vectors: new PgVectors(client, kind),
      publish: (address) => lock.publish(address),
      async ping() {
        await client.$queryRaw`SELECT 1`
      },
      async close() {
        for (const step of undo) await step()
      },
    }
  } catch (error) {
    for (const step of undo) await Promise.resolve(step()).catch(() => {})
    throw error
  }
}

function serverAdapter(url: string): PrismaPg {
  const options = sessionSettings.map((setting) => `-c ${setting.replace(/^SET | (?==)|(?<==) |'/g, '')}`).join(' ')
  return new PrismaPg({ connectionString: url, max: 10, options: `${options} -c timezone=UTC` })
}

/**
 * One connection. The embedded database has one session, where the settings are made, and its socket server takes
 * messages, not statements, in turn: Bind and Execute of two connections would mix ("portal does not exist").
 */
const socketAdapter = (folder: string) =>
  new PrismaPg({ host: folder, port: 5432, user: 'postgres', database: 'postgres', max: 1 })

/** @throws StartupError when the server does not answer or has no usable pgvector */
async function versions(client: PrismaClient, kind: DatabaseInfo['kind']): Promise<{ version: string; pgvector: string }> {
  const [row] = await client.$queryRaw<{ version: string; pgvector: string | null }[]>`
    SELECT current_setting('server_version') AS version,
      (SELECT default_version FROM pg_available_extensions WHERE name = 'vector') AS pgvector`.catch((error) => {
    if (kind === 'embedded') throw error
    throw new StartupError(`The database of DATABASE_URL does not answer: ${plain(error)}`)
  })
  const { version, pgvector } = row!
  if (!pgvector)
    throw new StartupError(
      `PostgreSQL ${version} has no pgvector. Install it there (Debian: postgresql-NN-pgvector) and start again.`,
    )
  const [major, minor] = pgvector.split('.').map(Number)
  if (major === 0 && minor! < 8)
    throw new StartupError(`pgvector ${pgvector} is too old: filtered search needs 0.8 or later (0.8.4 in production).`)
  return { version: version.split(' ')[0]!, pgvector }
}

/** The driver's words, without Prisma's frame around them. */
const plain = (error: Error) => error.message.trim().split('\n').at(-1)!.trim()
