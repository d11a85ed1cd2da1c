/** The embedded database: PGlite (PostgreSQL in WebAssembly) with pgvector, in a process of its own. */
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { StartupError } from './errors.ts'

/** PostgreSQL's major version in this PGlite: a data folder of another one cannot be opened. */
export const embeddedMajor = 18

export interface EmbeddedDatabase {
  /** Folder of the Unix socket, as libpq's `host`. */
  socketFolder: string
  pid: number
  /** Resolves when the process has closed the database. */
  close(): Promise<void>
}

/** @throws StartupError */
export async function startEmbedded(home: string): Promise<EmbeddedDatabase> {
  const folder = path.join(home, 'database')
  checkVersion(home, folder)
  mkdirSync(home, { recursive: true })
  // libpq's name for the socket of port 5432. A socket's path is at most 107 bytes long, so it lies in the temp folder.
  const name = createHash('sha256').update(path.resolve(home)).digest('hex').slice(0, 12)
  const socketFolder = path.join(os.tmpdir(), `limn-${name}`)
  const socketPath = path.join(socketFolder, '.s.PGSQL.5432')
  mkdirSync(socketFolder, { recursive: true, mode: 0o700 })
  rmSync(socketPath, { force: true })

  // A process group of its own: Ctrl-C in a terminal ends the server first, which then closes the database.
  const child = fork(new URL('./embedded-process.ts', import.meta.url), [folder, socketPath], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    child.once('message', (message: { ready?: true; failed?: string; startup?: boolean }) => {
      if (message.ready) resolve()
      else reject(new StartupError(message.startup ? message.failed! : `The embedded database does not start: ${message.failed}`))
    })
    child.once('error', reject)
    void ended.then(() => reject(new StartupError('The embedded database ended while it started.')))
  })
  writeFileSync(path.join(home, 'database.json'), JSON.stringify({ postgres: embeddedMajor }))
  // The server's own sockets keep it running, not this channel.
  child.unref()
  child.channel?.unref()
  return {
    socketFolder,
    pid: child.pid!,
    async close() {
      child.ref()
      if (child.connected) child.send('close')
      await ended
      rmSync(socketFolder, { recursive: true, force: true })
    },
  }
}

/** The version is looked at before anything opens the folder. */
function checkVersion(home: string, folder: string): void {
  const file = path.join(folder, 'PG_VERSION')
  if (!existsSync(file)) return
  const major = Number.parseInt(readFileSync(file, 'utf8'), 10)
  if (major === embeddedMajor) return
  throw new StartupError(
    `The database in ${home} was made by PostgreSQL ${major}; this Limn's embedded database is PostgreSQL ${embeddedMajor}. ` +
      `Nothing was touched. Use the Limn that made it, or set LIMN_HOME to another folder.`,
  )
}
