/**
 * A lock that is a file: one process at a time. It is taken over from a process that is surely dead and from no
 * other; there is no heartbeat, because a long query blocks the event loop of a process that is well alive.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'

export interface Holder {
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

/**
 * Takes a lock file once, or says who holds it. Synchronous: it is taken and left at starts and ends only.
 * @throws Error when the file cannot be written
 */
export function tryLock(file: string): { lock: Lock } | { holder: Holder } {
  const self: Holder = { pid: process.pid, host: os.hostname(), started: startOf(process.pid) }
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify(self), { flag: 'wx', mode: 0o600 })
      return { lock: held(file, self) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
        throw new Error(`The lock ${file} cannot be written: ${(error as Error).message}`, { cause: error })
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
      if (same(readHolder(file), self)) rmSync(file, { force: true })
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
  const moved = readHolder(aside)
  if (moved && !same(moved, dead) && isAlive(moved)) renameSync(aside, file)
  else rmSync(aside, { force: true })
}

const same = (a: Holder | null, b: Holder | null) =>
  a?.pid === b?.pid && a?.started === b?.started && a?.host === b?.host

export function readHolder(file: string): Holder | null {
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
    const holder = readHolder(file)
    if (holder) return holder
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25)
  }
  return null
}

export function isAlive({ pid, host, started }: Holder): boolean {
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
