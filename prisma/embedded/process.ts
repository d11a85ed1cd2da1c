/**
 * The embedded database's own process: PGlite works synchronously, in whatever process it is in. Started by
 * start.ts with {@link EmbeddedStart} as the first message; ends, with the database closed, when its parent says so
 * or is gone in any way. Its file calls are synchronous: nobody is served before the start or after the end.
 */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { vector } from '@electric-sql/pglite-pgvector'
import { type Holder, type Lock, tryLock } from '../../workers/fs/lock.ts'
import { StartupError } from '../errors.ts'
import { serveWire } from './wire.ts'

export interface EmbeddedStart {
  home: string
  /** Where to listen; TCP on the loopback when null. */
  socket: string | null
  secret: string
}
export type EmbeddedReply =
  | { ready: true; port: number | null }
  | { failed: string; startup: boolean }
  /** The pid of the process that still holds the database. */
  | { waitingFor: number }

/** PostgreSQL's major in this PGlite; files of another cannot be opened. */
const major = 18
/** How long the database process of a server that was killed may take to close. */
const shutdownTimeoutMs = 10_000
/** A holder that needs longer than this is named, and then ended: nothing that was acknowledged is lost by that. */
const quietMs = 500
const killAfterMs = 4_000

// A Ctrl-C in the terminal and a service manager's SIGTERM reach this process too, before its parent has used the
// database for the last time.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const reply = (message: EmbeddedReply) => process.connected && process.send?.(message)
let begun: Promise<() => Promise<void>> | null = null
let ending = false

process.on('message', (message: EmbeddedStart | 'close') => {
  if (message === 'close') void end()
  else begun = start(message)
})
process.on('disconnect', () => void end())

async function end() {
  if (ending) return
  ending = true
  const close = await begun?.catch(() => null)
  await close?.()
  process.exit(0)
}

async function start({ home, socket, secret }: EmbeddedStart): Promise<() => Promise<void>> {
  let lock: Lock | null = null
  try {
    const folder = path.join(home, 'database')
    lock = await lockFolder(path.join(home, 'database.lock'))
    checkMajor(folder)
    if (!existsSync(folder)) await initialise(folder)
    checkParent()
    const database = await open(folder)
    const { server, close } = serveWire(database, secret)
    if (socket) rmSync(socket, { force: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(socket ? { path: socket } : { host: '127.0.0.1', port: 0 }, () => resolve())
    })
    reply({ ready: true, port: socket ? null : (server.address() as AddressInfo).port })
    return async () => {
      await close()
      await database.close()
      if (socket) rmSync(path.dirname(socket), { recursive: true, force: true })
      lock?.release()
    }
  } catch (error) {
    lock?.release()
    reply({ failed: (error as Error).message, startup: error instanceof StartupError })
    throw error
  }
}

const settings = {
  timezone: 'UTC',
  client_min_messages: 'warning',
  shared_buffers: '128MB',
  work_mem: '16MB',
  maintenance_work_mem: '256MB',
  // Log files that a checkpoint keeps for the next ones.
  min_wal_size: '32MB',
  max_wal_size: '128MB',
}

function open(folder: string): Promise<PGlite> {
  const parameters = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return PGlite.create({
    dataDir: folder,
    extensions: { vector, pg_trgm },
    startParams: [...PGlite.defaultStartParams, ...parameters],
  })
}

/** Makes the files elsewhere and moves them at once: a start that is cut leaves no half database behind. */
async function initialise(folder: string) {
  const draft = `${folder}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true, mode: 0o700 })
  const database = await open(draft)
  checkParent()
  await database.close()
  renameSync(draft, folder)
}

/** Nobody needs the database of a parent that is gone, and the next server waits for its lock. */
function checkParent() {
  if (!process.connected) throw new Error('the server is gone')
}

async function lockFolder(file: string): Promise<Lock> {
  const begun = Date.now()
  const until = begun + shutdownTimeoutMs
  let named = false
  for (;;) {
    const taken = tryLock(file)
    if ('lock' in taken) return taken.lock
    if (!named && Date.now() > begun + quietMs) {
      reply({ waitingFor: taken.holder.pid })
      named = true
    }
    if (Date.now() > begun + killAfterMs) endOrphan(taken.holder)
    if (Date.now() > until || !process.connected)
      throw new StartupError(
        `The embedded database in ${path.dirname(file)} is still open in process ${taken.holder.pid}, after ${shutdownTimeoutMs / 1000} s of waiting. Stop that process and start again.`,
      )
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/**
 * Ends the database process of a server that is gone: this one's server holds the home. Only where its start tick says
 * that it is the process that took the lock.
 */
function endOrphan({ pid, host, started }: Holder) {
  if (host !== os.hostname() || started === null) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** Files of another PostgreSQL are refused as they lie: opening them could damage them. */
function checkMajor(folder: string) {
  const file = path.join(folder, 'PG_VERSION')
  if (!existsSync(file)) return
  const found = readFileSync(file, 'utf8').trim()
  if (found === String(major)) return
  const advice =
    Number(found) > major
      ? 'Use the Limn that made it'
      : 'Use the Limn that made it to export the library, or a PostgreSQL of that version'
  throw new StartupError(
    `The database in ${folder} was made by PostgreSQL ${found}; this Limn's embedded database is PostgreSQL ${major}. Nothing was touched. ${advice}, or set LIMN_HOME to another folder.`,
  )
}
