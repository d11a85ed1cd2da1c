/** Open packages of images, unpacked once into the benches' store: from Debian and npm, by their ordinary clients. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { store } from '../tools.ts'

const npm = [
  'flag-icons@7.5.0',
  'simple-icons@16.37.0',
  'openmoji@17.0.0',
  'lucide-static@1.62.0',
  '@tabler/icons@3.52.0',
]
const debian = [
  'tuxpaint-stamps-default',
  'openclipart-svg',
  'gnome-backgrounds',
  'mate-backgrounds',
  'plasma-workspace-wallpapers',
]

const folder = path.join(store, 'finding')

/** The folder of an unpacked package. */
export const packageFolder = (name: string): string => path.join(folder, name.replace('/', '+'))

export function fetchPackages(log: (line: string) => void): void {
  mkdirSync(folder, { recursive: true })
  for (const name of npm)
    once(name, log, (into) => {
      execFileSync('npm', ['pack', '--silent', '--pack-destination', into, name], { stdio: 'pipe' })
      unpack(into, '.tgz', (file) => execFileSync('tar', ['xzf', file, '-C', into]))
    })
  for (const name of debian)
    once(name, log, (into) => {
      execFileSync('apt-get', ['download', name], { cwd: into, stdio: 'pipe' })
      unpack(into, '.deb', (file) => execFileSync('dpkg-deb', ['-x', file, into]))
    })
}

/** Where no registry answers the error says which package is missing. */
function once(name: string, log: (line: string) => void, fetch: (into: string) => void): void {
  const done = packageFolder(name.replace(/(?<=.)@[\d.]+$/, ''))
  if (existsSync(done)) return
  log(`  fetching ${name}`)
  const draft = `${done}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true })
  try {
    fetch(draft)
  } catch (error) {
    throw new Error(`The package ${name} cannot be fetched: ${(error as Error).message}`, { cause: error })
  }
  renameSync(draft, done)
}

function unpack(into: string, ending: string, open: (file: string) => void): void {
  const file = path.join(into, readdirSync(into).find((entry) => entry.endsWith(ending))!)
  open(file)
  rmSync(file)
}
