/** `npm run sizes`: installs the lock file anew, for production and for development, and fails where one is larger than it may be. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** In MB of a million bytes, on Linux; what other systems need differs by their binaries. */
export const maxMegabytes = { production: 400, development: 700 }

/** Bytes of all files below a folder; those of one inode count once. */
export function bytesBelow(folder: string): number {
  const seen = new Set<number>()
  let sum = 0
  if (!statSync(folder).isDirectory()) return 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const { ino, size } = statSync(path.join(entry.parentPath, entry.name))
    if (!seen.has(ino)) sum += size
    seen.add(ino)
  }
  return sum
}

const inMegabytes = (bytes: number) => Math.round(bytes / 1e6)

/** Sizes in MB of node_modules as `npm ci` makes it, and of its largest packages. */
function installed(root: string, args: readonly string[]): { total: number; largest: string[] } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-sizes-'))
  try {
    for (const file of ['package.json', 'package-lock.json', '.npmrc', 'build/prune.js'])
      cpSync(path.join(root, file), path.join(folder, file))
    execFileSync('npm', ['ci', ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    const modules = path.join(folder, 'node_modules')
    const packages = readdirSync(modules)
      .filter((name) => statSync(path.join(modules, name)).isDirectory())
      .map((name) => ({ name, size: inMegabytes(bytesBelow(path.join(modules, name))) }))
      .sort((a, b) => b.size - a.size)
    return {
      total: inMegabytes(bytesBelow(modules)),
      largest: packages.slice(0, 6).map(({ name, size }) => `${name} ${size}`),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const root = path.resolve(import.meta.dirname, '..')
  for (const [kind, args] of [
    ['production', ['--omit=dev']],
    ['development', []],
  ] as const) {
    const { total, largest } = installed(root, args)
    console.log(`${kind}: ${total} MB of at most ${maxMegabytes[kind]} (${largest.join(', ')})`)
    if (total > maxMegabytes[kind]) process.exitCode = 1
  }
}
