/** One process at a time on a data folder: two on one embedded database lose data silently. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartupError } from './errors.ts'

export interface LockHolder {
  pid: number
  /** Tells a process from a later one with the same number; null where the system does not say. */
  started: string | null
  /** Where the server of this folder answers. */
  url?: string
}

export interface Lock {
  /** Writes down where the server answers, for `limn import` and `limn doctor`. */
  publish(url: string): void
  release(): void
}

/** Start time of a process in clock ticks since boot, from /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The program's name, in brackets, may hold blanks.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

function isAlive({ pid, started }: LockHolder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = startOf(pid)
  return started === null || now === null || now === started
}

/** Who holds the lock, if that process lives. */
export function lockHolder(file: string): LockHolder | null {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as LockHolder
    return isAlive(holder) ? holder : null
  } catch {
    return null
  }
}

/** The running server of a data folder. */
export const serverOf = (home: string): LockHolder | null => lockHolder(path.join(home, 'lock'))

/**
 * Takes the lock, waiting up to `waitMs` for its holder to go; taken over only from a dead process.
 * @throws StartupError naming the holder
 */
export async function takeLock(file: string, what: string, waitMs = 0): Promise<Lock> {
  mkdirSync(path.dirname(file), { recursive: true })
  const mine: LockHolder = { pid: process.pid, started: startOf(process.pid) }
  const until = performance.now() + waitMs
  for (;;) {
    if (tryTake(file, mine)) break
    const holder = lockHolder(file)
    if (!holder) discard(file)
    else if (performance.now() > until)
      throw new StartupError(
        `${what} is in use by process ${holder.pid}${holder.url ? ` (${holder.url})` : ''}. Stop it, or set LIMN_HOME to another folder.`,
      )
    else await sleep(50)
  }
  let held = true
  const release = () => {
    if (held && lockHolder(file)?.pid === process.pid) rmSync(file, { force: true })
    held = false
  }
  process.once('exit', release)
  return {
    publish(url) {
      writeFileSync(`${file}.new`, JSON.stringify({ ...mine, url }))
      renameSync(`${file}.new`, file)
    },
    release() {
      process.off('exit', release)
      release()
    },
  }
}

/** Creates the file, whole, or finds it there. */
function tryTake(file: string, mine: LockHolder): boolean {
  try {
    writeFileSync(file, JSON.stringify(mine), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Moves a dead process's lock aside before it goes, so that of two that find it only one removes it. */
function discard(file: string): void {
  const aside = `${file}.${process.pid}.dead`
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  const moved = lockHolder(aside)
  // Someone took it between the look and the move: it is theirs.
  if (moved) renameSync(aside, file)
  else rmSync(aside, { force: true })
}
