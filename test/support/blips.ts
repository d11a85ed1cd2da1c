/** Databases that go away for a moment and come back: a killed embedded process, a PostgreSQL that is restarted. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres } from './postgres.ts'

export interface BlippingDatabase {
  /** For DATABASE_URL; undefined for the embedded database. */
  url: string | undefined
  /** The database goes; it is back, or comes back by itself, `ms` after that. */
  blip(home: string, ms: number): Promise<void>
  close(): Promise<void>
}

/** The embedded database, or a PostgreSQL of its own where the tests run on one. */
export async function blippingDatabase(): Promise<BlippingDatabase> {
  if (!process.env.LIMN_TEST_DATABASE_URL)
    return {
      url: undefined,
      async blip(home) {
        killEmbedded(home)
      },
      async close() {},
    }
  const server = await startPostgres()
  return {
    url: server.url,
    async blip(_home, ms) {
      // Without a time its connections are cut and it stays.
      if (ms === 0) return cutConnections(server.url)
      server.crash()
      await sleep(ms)
      server.restart()
    },
    close: () => server.stop(),
  }
}

/** kill -9 of the process that has the database of this home, if there is one; its pid. */
export function killEmbedded(home: string): number | null {
  try {
    const { pid } = JSON.parse(readFileSync(path.join(home, 'database.lock'), 'utf8'))
    process.kill(pid, 'SIGKILL')
    return pid
  } catch {
    return null
  }
}

async function cutConnections(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')
  await client.end()
}
