import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { HubError } from './hub.ts'

/**
 * Two pulls of one model would write into each other's files. The lock of a process that is gone is taken over.
 * Resolves to what gives it back. @throws HubError
 */
export async function lockPull(file: string, name: string): Promise<() => Promise<void>> {
  // Linked into place with its owner in it: nobody sees a lock without one.
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, String(process.pid))
  try {
    return await take(file, draft, name)
  } finally {
    await rm(draft, { force: true })
  }
}

async function take(file: string, draft: string, name: string): Promise<() => Promise<void>> {
  for (const last of [false, true]) {
    try {
      await link(draft, file)
      return () => rm(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const owner = Number(await readFile(file, 'utf8').catch(() => ''))
      if (last || alive(owner))
        throw new HubError(`"${name}" is being pulled by process ${owner}. Wait for it, or stop it first.`)
      await rm(file, { force: true })
    }
  }
  throw new Error('unreachable')
}

function alive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
