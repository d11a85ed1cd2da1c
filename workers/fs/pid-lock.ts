import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'

/**
 * Takes a lock that is a file. The lock of a process that is gone is taken over. Resolves to what gives it back, or to
 * the number of the process that has it.
 */
export async function lock(file: string): Promise<(() => Promise<void>) | number> {
  // Linked into place with its owner in it: nobody sees a lock without one.
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, String(process.pid))
  try {
    return await take(file, draft)
  } finally {
    await rm(draft, { force: true })
  }
}

async function take(file: string, draft: string): Promise<(() => Promise<void>) | number> {
  let owner = 0
  for (const last of [false, true]) {
    try {
      await link(draft, file)
      return () => rm(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      owner = Number(await readFile(file, 'utf8').catch(() => ''))
      if (last || alive(owner)) return owner
      await rm(file, { force: true })
    }
  }
  return owner
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
