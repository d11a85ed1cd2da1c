/** Brings in the clients: in a folder of their own, because they are as large as half of what the project needs else. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const folder = import.meta.dirname
const mark = path.join(folder, 'node_modules', '.lock-file')

/** Installs what package-lock.json names, unless it was the last that was installed. */
export async function installClients(): Promise<void> {
  const lock = createHash('sha256')
    .update(readFileSync(path.join(folder, 'package-lock.json')))
    .digest('hex')
  if (installed() === lock) return
  console.log('installing the clients into test/clients/node_modules (about 280 MB)')
  const child = spawn('npm', ['ci', '--ignore-scripts', '--no-audit'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  if (code !== 0) throw new Error('The clients could not be installed.')
  writeFileSync(mark, lock)
}

function installed(): string | null {
  try {
    return readFileSync(mark, 'utf8')
  } catch {
    return null
  }
}
