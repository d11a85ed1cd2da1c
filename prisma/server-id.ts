import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/**
 * The id under which a server holds leases: one for each LIMN_HOME and machine. It stays the same over restarts, so that
 * a server goes on at once with the work that it held when it died; the home's lock keeps a second process from it.
 * Synchronous: read once, at the start.
 */
export function serverId(home: string): string {
  const file = path.join(home, 'server-id')
  return `${readId(file) ?? writeId(file)}@${os.hostname()}`
}

/** Null where there is none, or a start that was killed left half of one. */
function readId(file: string): string | null {
  try {
    const id = readFileSync(file, 'utf8').trim()
    return /^[0-9a-f-]{36}$/.test(id) ? id : null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function writeId(file: string): string {
  const id = randomUUID()
  writeFileSync(`${file}.new`, id)
  renameSync(`${file}.new`, file)
  return id
}
