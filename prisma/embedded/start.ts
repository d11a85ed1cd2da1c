/**
 * The server's side of the embedded database: starts its process, says where it listens, closes it. The few small files
 * here are written synchronously: once, at the start, before anybody is served.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { StartupError } from '../errors.ts'
import type { OpenDatabaseOptions } from '../types.ts'
import type { EmbeddedReply, EmbeddedStart } from './process.ts'
import { defaultRestartLimits, Restarts } from './restarts.ts'

export interface Embedded {
  /** Of a pg pool. */
  connection: pg.PoolConfig
  close(): Promise<void>
}

const program = fileURLToPath(new URL('./process.ts', import.meta.url))
/** A socket's path may have 108 bytes on Linux, 104 on macOS. */
const maxSocketPath = 100

/**
 * Opens the database in `<home>/database`, making it when there is none.
 * @throws StartupError
 */
export async function startEmbedded({
  home,
  log,
  restarts: limits = defaultRestartLimits,
  onLost,
}: Pick<OpenDatabaseOptions, 'home' | 'log' | 'restarts' | 'onLost'>): Promise<Embedded> {
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
  const closing = new AbortController()
  const restarts = new Restarts(limits)
  let restarting: Promise<void> | null = null
  let child: ChildProcess

  const launch = async () => {
    const launched = await run(start, log)
    child = launched.child
    // The pool reads it at each new connection.
    if (launched.port !== null) connection.port = launched.port
    child.once('exit', (code, signal) => {
      if (closing.signal.aborted) return
      restarting = restart(`its process ended with ${signal ?? code}`).finally(() => {
        restarting = null
      })
    })
  }
  const restart = async (death: string) => {
    for (let reason = death; ; ) {
      const ms = restarts.next()
      if (ms === null) {
        onLost?.(new StartupError(givenUp(start.home, limits.windowMs, reason)))
        return
      }
      log?.warn({ reason, ms }, 'the embedded database ended by itself; starting it again')
      await sleep(ms, undefined, { signal: closing.signal, ref: false }).catch(() => {})
      if (closing.signal.aborted) return
      try {
        return await launch()
      } catch (error) {
        reason = (error as Error).message
      }
    }
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
      closing.abort()
      await restarting
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

async function run(
  start: EmbeddedStart,
  log: OpenDatabaseOptions['log'],
): Promise<{ child: ChildProcess; port: number | null }> {
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
  child.on('message', (reply: EmbeddedReply) => {
    if ('waitingFor' in reply)
      log?.warn({ pid: reply.waitingFor }, 'waiting for the database process of a server that was killed')
    else if ('ready' in reply) resolve(reply.port)
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

const givenUp = (home: string, windowMs: number, reason: string) =>
  `The embedded database in ${path.join(home, 'database')} died too often within ${Math.round(windowMs / 60_000)} minutes and is not started again (the last time: ${reason}). See whether something kills it: a machine without memory (\`dmesg\`) or a full disk (\`df\`). Then start Limn again; the library is as it was last stored.`

/** Beside the data, for people and later versions to read. */
export function noteVersions(home: string, versions: { postgres: string; pgvector: string }) {
  writeFileSync(path.join(home, 'database.json'), `${JSON.stringify(versions, null, 2)}\n`)
}
