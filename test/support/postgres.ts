/** A throw-away PostgreSQL server for tests and benchmarks. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'

/** Folder of the newest installed server's programs, or null. */
export function postgresBin(): string | null {
  const folders = globSync('/usr/lib/postgresql/*/bin').filter((folder) =>
    existsSync(path.join(folder, 'initdb')),
  )
  const major = (folder: string) => Number(folder.split('/').at(-2))
  return folders.sort((a, b) => major(b) - major(a))[0] ?? null
}

export interface TestPostgres {
  /** A superuser's. */
  url: string
  /** Ends the server as a crash does, and keeps its files. */
  crash(): void
  /** Starts it again, at the same address. */
  restart(): void
  /** Ends it and removes its files. */
  stop(): Promise<void>
}

/**
 * Starts a server in a new temporary folder on a free loopback port. Without fsync: what is committed outlasts a crash of
 * the server, not of the machine.
 */
export async function startPostgres(): Promise<TestPostgres> {
  const bin = postgresBin()
  if (!bin) throw new Error('PostgreSQL is not installed')
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-postgres-'))
  const asRoot = process.getuid?.() === 0
  if (asRoot) {
    // The server refuses to run as root.
    const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
    chownSync(folder, id('-u'), id('-g'))
    chmodSync(folder, 0o700)
  }
  const asOwner = (program: string, args: string[]) => {
    const command = [path.join(bin, program), ...args]
    const [file, ...rest] = asRoot ? ['runuser', '-u', 'postgres', '--', ...command] : command
    execFileSync(file!, rest, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
  }
  const data = path.join(folder, 'data')
  const port = await freePort()
  asOwner('initdb', [
    '-D',
    data,
    '-U',
    'postgres',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ])
  const settings = [
    `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder}`,
    '-c fsync=off -c full_page_writes=off -c max_connections=200',
    '-c shared_buffers=512MB -c maintenance_work_mem=1GB',
  ].join(' ')
  const start = () =>
    asOwner('pg_ctl', ['-D', data, '-w', '-l', path.join(folder, 'log'), '-o', settings, 'start'])
  const crash = () => asOwner('pg_ctl', ['-D', data, '-w', '-m', 'immediate', 'stop'])
  start()
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    crash,
    restart: start,
    async stop() {
      crash()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
