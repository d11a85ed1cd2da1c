/**
 * Brings in what the tests want beside npm packages: PostgreSQL with pgvector, and Chromium (which also carries
 * SwiftShader, a software GPU). Installs on Debian and Ubuntu as root; elsewhere says what is missing.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { chromiumPath } from '../support/chromium.ts'
import { postgresBin } from '../support/postgres.ts'

export type Missing = Partial<Record<'postgres' | 'chromium' | 'packages', string>>

const isDebian = existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
const mayInstall = isDebian && process.getuid?.() === 0

/** Tries to install what is not there; returns what is missing afterwards, with the reason. */
export async function setUp(): Promise<Missing> {
  const missing: Missing = {}
  try {
    ensurePostgres()
  } catch (error) {
    missing.postgres = reason(error)
  }
  try {
    ensureChromium()
  } catch (error) {
    missing.chromium = reason(error)
  }
  try {
    execFileSync('npm', ['view', 'typescript', 'version'], { stdio: 'pipe', timeout: 60_000 })
  } catch {
    missing.packages = 'no package registry answers; the packed package cannot be installed'
  }
  return missing
}

function ensureChromium() {
  if (chromiumPath()) return
  if (!mayInstall)
    throw new Error('Chromium is not installed; set CHROMIUM_PATH or install the package chromium')
  aptInstall(['chromium'])
  if (!chromiumPath()) throw new Error('the package chromium brought no /usr/bin/chromium')
}

function ensurePostgres() {
  if (!postgresBin()) {
    if (!mayInstall) throw new Error('PostgreSQL is not installed; install it with pgvector 0.8 or later')
    aptInstall(['postgresql'])
  }
  const bin = postgresBin()
  if (!bin) throw new Error('the package postgresql brought no server')
  if (hasPgvector(bin)) return
  if (!mayInstall) throw new Error(`PostgreSQL at ${bin} has no pgvector 0.8 or later`)
  const major = execFileSync(path.join(bin, 'pg_config'), ['--version'], { encoding: 'utf8' }).match(
    /\d+/,
  )![0]
  const server = [`postgresql-server-dev-${major}`, 'build-essential', 'dpkg-dev', 'xz-utils']
  aptInstall(server.filter((name) => !isInstalled(name)))
  buildPgvector(bin)
  if (!hasPgvector(bin)) throw new Error('pgvector was built but the server does not list it')
}

/** pgvector's control file, in a version that has iterative scans. */
function hasPgvector(bin: string): boolean {
  const share = execFileSync(path.join(bin, 'pg_config'), ['--sharedir'], { encoding: 'utf8' }).trim()
  const control = path.join(share, 'extension', 'vector.control')
  if (!existsSync(control)) return false
  const [, major, minor] = readFileSync(control, 'utf8').match(/default_version = '(\d+)\.(\d+)/) ?? []
  return Number(major) > 0 || Number(minor) >= 8
}

/**
 * Builds pgvector from the source package of Debian trixie: bookworm's PostgreSQL 15 has no package of 0.8. The
 * mirror is the one this machine uses; its own list of sources stays as it is.
 */
function buildPgvector(bin: string) {
  const { mirror, keyring } = debianMirror()
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pgvector-'))
  try {
    console.log('building pgvector from Debian’s source package')
    const list = path.join(folder, 'trixie.list')
    writeFileSync(list, `deb-src [signed-by=${keyring}] ${mirror} trixie main\n`)
    const options = [
      `Dir::Etc::sourcelist=${list}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${path.join(folder, 'lists')}`,
      // apt's own user could not write into a folder of root's.
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option])
    const quiet = { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] as ['ignore', 'ignore', 'pipe'] }
    execFileSync('mkdir', ['-p', path.join(folder, 'lists', 'partial')])
    execFileSync('apt-get', [...options, 'update'], quiet)
    execFileSync('apt-get', [...options, 'source', '--download-only', 'pgvector'], quiet)
    execFileSync('tar', ['xf', globSync(path.join(folder, 'pgvector_*.orig.tar.*'))[0]!], quiet)
    const source = globSync(path.join(folder, 'pgvector-*')).find((entry) => !entry.includes('.tar'))!
    // OPTFLAGS: the default, -march=native, would tie the build to this very processor.
    const make = ['-C', source, `PG_CONFIG=${path.join(bin, 'pg_config')}`, 'OPTFLAGS=']
    execFileSync('make', ['-j2', ...make], quiet)
    execFileSync('make', [...make, 'install'], quiet)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The first Debian archive among this machine's apt sources, in either of apt's two formats. */
function debianMirror(): { mirror: string; keyring: string } {
  const files = ['/etc/apt/sources.list', ...globSync('/etc/apt/sources.list.d/*')].filter((file) =>
    existsSync(file),
  )
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    const stanza = text.split(/\n\s*\n/).find((part) => /^Suites:.*(bookworm|trixie|stable)/m.test(part))
    const line = text.match(/^deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(?:bookworm|trixie|stable)\S*\s+.*main/m)
    const mirror = stanza?.match(/^URIs:\s*(\S+)/m)?.[1] ?? line?.[1]
    if (mirror) {
      const keyring =
        stanza?.match(/^Signed-By:\s*(\/\S+)/m)?.[1] ?? '/usr/share/keyrings/debian-archive-keyring.gpg'
      return { mirror, keyring }
    }
  }
  throw new Error('no Debian mirror is configured from which pgvector’s source could be had')
}

const isInstalled = (name: string) => {
  try {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholder
    return execFileSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { stdio: 'pipe' }).includes(
      'installed',
    )
  } catch {
    return false
  }
}

function aptInstall(names: string[]) {
  if (names.length === 0) return
  console.log(`installing ${names.join(', ')}`)
  const options = {
    stdio: ['ignore', 'ignore', 'pipe'] as ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  execFileSync('apt-get', ['update', '-qq'], options)
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], options)
}

const reason = (error: unknown) => {
  const text = (error as { stderr?: Buffer }).stderr?.toString().trim() || (error as Error).message
  return text.split('\n').slice(-3).join(' ')
}
