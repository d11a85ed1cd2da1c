import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/**
 * The id under which a server holds leases: one for each LIMN_HOME and machine. It stays the same over restarts, so that
 * a server goes on at once with the work that it held when it died; the home's lock keeps a second process from it.
 * Synchronous: read once, at the start.
 */
export function serverId(home: string): string {
  const file = path.join(home, 'server-id')
  try {
    writeFileSync(file, randomUUID(), { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return `${readFileSync(file, 'utf8').trim()}@${os.hostname()}`
}
