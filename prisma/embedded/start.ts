/**
 * The server's side of the embedded database: starts its process, says where it listens, closes it. The few small files
 * here are written synchronously: once, at the start, before anybody is served.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { StartupError } from '../errors.ts'
import type { OpenDatabaseOptions } from '../types.ts'
import type { EmbeddedReply, EmbeddedStart } from './process.ts'

export interface Embedded {
  /** Of a pg pool. */
  connection: pg.PoolConfig
  close(): Promise<void>
}

const program = fileURLToPath(new URL('./process.ts', import.meta.url))
/** A socket's path may have 108 bytes on Linux, 104 on macOS. */
const maxSocketPath = 100
/** Restarts after which a database process that keeps dying is left alone. */
const maxRestarts = 3

/**
 * Opens the database in `<home>/database`, making it when there is none.
 * @throws StartupError
 */
export async function startEmbedded({
  home,
  log,
}: Pick<OpenDatabaseOptions, 'home' | 'log'>): Promise<Embedded> {
  const folder = process.platform === 'win32' ? null : socketFolder()
  const start: EmbeddedStart = {
    home: path.resolve(home),
    socket: folder && path.join(folder, '.s.PGSQL.5432'),
    secret: randomBytes(16).toString('hex'),
  }
  const connection: pg.PoolConfig = {
    host: folder ?? '127.0.0.1',
    port: 5432,
    user: 'postgres',
    database: 'postgres',
    password: start.secret,
  }
  let closing = false
  let restarts = 0
  let child: ChildProcess

  const launch = async () => {
    const launched = await run(start)
    child = launched.child
    // The pool reads it at each new connection.
    if (launched.port !== null) connection.port = launched.port
    child.once('exit', (code, signal) => {
      if (closing) return
      log?.warn({ code, signal }, 'the embedded database ended by itself; starting it again')
      if (restarts++ < maxRestarts)
        launch().catch((error) => log?.warn({ err: error }, 'the embedded database cannot be started again'))
    })
  }
  try {
    await launch()
  } catch (error) {
    if (folder) rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return {
    connection,
    async close() {
      closing = true
      if (child.exitCode !== null || child.signalCode !== null) return
      child.ref()
      const ended = new Promise((resolve) => child.once('exit', resolve))
      if (child.connected) child.send('close')
      await ended
    },
  }
}

/** Only this user may enter it. */
function socketFolder(): string {
  const parents = [os.tmpdir(), '/tmp']
  const parent = parents.find((folder) => folder.length + '/limn-XXXXXX/.s.PGSQL.5432'.length < maxSocketPath)
  return mkdtempSync(path.join(parent ?? '/tmp', 'limn-'))
}

async function run(start: EmbeddedStart): Promise<{ child: ChildProcess; port: number | null }> {
  const child = fork(program, [], {
    // A process group of its own: a Ctrl-C is for the server, which then closes the database.
    detached: true,
    execArgv: ['--no-warnings'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2000)
  })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('message', (reply: EmbeddedReply) => {
    if ('ready' in reply) resolve(reply.port)
    else if (reply.startup) reject(new StartupError(reply.failed))
    else reject(new StartupError(cannotOpen(start.home, reply.failed)))
  })
  child.once('error', reject)
  child.once('exit', (code, signal) =>
    reject(
      new StartupError(cannotOpen(start.home, `its process ended with ${signal ?? code}. ${stderr.trim()}`)),
    ),
  )
  child.send(start)
  try {
    const port = await promise
    child.unref()
    child.channel?.unref()
    ;(child.stderr as unknown as { unref(): void }).unref()
    return { child, port }
  } catch (error) {
    if (child.connected) child.disconnect()
    throw error
  }
}

const cannotOpen = (home: string, reason: string) =>
  `The embedded database in ${path.join(home, 'database')} cannot be opened: ${reason}`

/** Beside the data, for people and later versions to read. */
export function noteVersions(home: string, versions: { postgres: string; pgvector: string }) {
  writeFileSync(path.join(home, 'database.json'), `${JSON.stringify(versions, null, 2)}\n`)
}
