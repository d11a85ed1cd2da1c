/**
 * A lock file beside the data: one process at a time. It is taken over from a process that is surely dead and from no
 * other; there is no heartbeat, because a long query blocks the event loop of a process that is well alive.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { StartupError } from './errors.ts'

interface Holder {
  pid: number
  host: string
  /** Tells a process from a later one with the same pid: the kernel's start tick and the boot. Null off Linux. */
  started: string | null
  url?: string
}

export interface Lock {
  /** Adds the server's address, for `limn import` to find it. */
  publish(fields: { url: string }): void
  release(): void
}

const lockFile = (home: string) => path.join(home, 'lock')

/**
 * Takes the lock of a whole LIMN_HOME.
 * @throws StartupError naming the process that holds it
 */
export function lockHome(home: string): Lock {
  mkdirSync(home, { recursive: true })
  const taken = tryLock(lockFile(home))
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
  const holder = read(lockFile(home))
  return holder && { pid: holder.pid, ...(holder.url ? { url: holder.url } : {}), alive: isAlive(holder) }
}

/** Takes a lock file once, or says who holds it. */
export function tryLock(file: string): { lock: Lock } | { holder: Holder } {
  const self: Holder = { pid: process.pid, host: os.hostname(), started: startOf(process.pid) }
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify(self), { flag: 'wx', mode: 0o600 })
      return { lock: held(file, self) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new StartupError(`The lock ${file} cannot be written: ${(error as Error).message}`, {
          cause: error,
        })
    }
    const holder = readSettled(file)
    if (holder && isAlive(holder)) return { holder }
    setAside(file, holder)
  }
}

function held(file: string, self: Holder): Lock {
  let current = self
  return {
    publish(fields) {
      current = { ...current, ...fields }
      const draft = `${file}.${process.pid}`
      writeFileSync(draft, JSON.stringify(current), { mode: 0o600 })
      renameSync(draft, file)
    },
    release() {
      if (same(read(file), self)) rmSync(file, { force: true })
    },
  }
}

/**
 * Removes a dead process's lock. Renaming first: of two processes that saw the same dead holder, the slower one would
 * otherwise unlink the lock that the faster one has just made.
 */
function setAside(file: string, dead: Holder | null) {
  const aside = `${file}.${process.pid}.dead`
  try {
    renameSync(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const moved = read(aside)
  if (moved && !same(moved, dead) && isAlive(moved)) renameSync(aside, file)
  else rmSync(aside, { force: true })
}

const same = (a: Holder | null, b: Holder | null) =>
  a?.pid === b?.pid && a?.started === b?.started && a?.host === b?.host

function read(file: string): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as Holder
    return Number.isInteger(holder.pid) ? holder : null
  } catch {
    return null
  }
}

/** A file that was just created may still be empty. */
function readSettled(file: string): Holder | null {
  for (let attempt = 0; attempt < 20; attempt++) {
    const holder = read(file)
    if (holder) return holder
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25)
  }
  return null
}

function isAlive({ pid, host, started }: Holder): boolean {
  // Another machine's or container's processes cannot be seen from here.
  if (host !== os.hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return started === null || startOf(pid) === started
}

/** Boot and start tick of a process, from /proc where there is one. A zombie counts as gone. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, the program's name, may hold spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return null
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`
  } catch {
    return null
  }
}
