/**
 * The lock of a LIMN_HOME: one server, or one command that works on the library, at a time. Synchronous, as
 * workers/fs/lock.ts is: taken and left at starts and ends only.
 */
import { mkdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { isAlive, type Lock, readHolder, tryLock } from '../workers/fs/lock.ts'
import { StartupError } from './errors.ts'

const lockFile = (home: string) => path.join(home, 'lock')

/**
 * Takes the lock of a whole LIMN_HOME.
 * @throws StartupError naming the process that holds it
 */
export function lockHome(home: string): Lock {
  mkdirSync(home, { recursive: true })
  const taken = attempt(lockFile(home))
  if ('lock' in taken) return taken.lock
  const { pid, host, url } = taken.holder
  const where = host === os.hostname() ? `process ${pid}` : `process ${pid} on "${host}"`
  const at = url ? `, which answers at ${url}` : ''
  const advice =
    host === os.hostname()
      ? 'Use or stop that one, or set LIMN_HOME to another folder.'
      : `If it is surely gone, remove ${lockFile(home)} and start again.`
  throw new StartupError(`The data folder ${path.resolve(home)} is in use by ${where}${at}. ${advice}`)
}

/** Who holds a home, or held it last; null when nobody does. `alive` is unsure (true) for another machine's process. */
export function readLock(home: string): { pid: number; url?: string; alive: boolean } | null {
  const holder = readHolder(lockFile(home))
  return holder && { pid: holder.pid, ...(holder.url ? { url: holder.url } : {}), alive: isAlive(holder) }
}

function attempt(file: string): ReturnType<typeof tryLock> {
  try {
    return tryLock(file)
  } catch (error) {
    throw new StartupError((error as Error).message, { cause: error })
  }
}
