/** The limn command as processes of their own, for tests that kill them. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LimnProcess {
  child: ChildProcess
  /** Its exit status, null when it was killed. */
  ended: Promise<number | null>
  /** Everything it has printed. */
  said(): string
}

/** Processes on one data folder and database. */
export class LimnProcesses {
  readonly #home: string
  readonly #databaseUrl: string | null | undefined
  readonly #children = new Set<ChildProcess>()

  constructor(home: string, databaseUrl: string | null | undefined) {
    this.#home = home
    this.#databaseUrl = databaseUrl
  }

  limn(args: string[]): LimnProcess {
    // A group of its own: with what it starts itself.
    const child = spawn(process.execPath, ['api/limn.ts', ...args], {
      detached: true,
      env: {
        PATH: process.env.PATH,
        LIMN_HOME: this.#home,
        HF_HOME: this.#home,
        LIMN_SAMPLES: 'false',
        LIMN_LOG_LEVEL: 'warn',
        LIMN_PROVIDER: 'cpu',
        LIMN_VARIANT: 'fp32',
        PORT: '0',
        ...(this.#databaseUrl && { DATABASE_URL: this.#databaseUrl }),
      },
    })
    this.#children.add(child)
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        text += chunk
      })
    const ended = new Promise<number | null>((resolve) => child.on('exit', (status) => resolve(status)))
    return { child, ended, said: () => text }
  }

  /** A server that answers at `url`. */
  async startServer(): Promise<LimnProcess & { url: string }> {
    const server = this.limn(['serve'])
    for (;;) {
      const url = /Limn answers at (http:\/\/[^\s/]+)/.exec(server.said())?.[1]
      if (url) return { ...server, url }
      if (server.child.exitCode !== null) throw new Error(server.said())
      await sleep(10)
    }
  }

  killAll(): void {
    for (const child of this.#children) killGroup(child)
  }
}

/** kill -9, with everything that the process has started: its group, and what has a group of its own, as the database does. */
export function killGroup({ pid }: ChildProcess): void {
  const started = descendants(pid!)
  for (const one of [-pid!, ...started]) kill(one)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Processes below one that lives; those of a dead one have no parent that tells. */
function descendants(pid: number): number[] {
  const children = Map.groupBy(processes(), ([, parent]) => parent)
  const below = (parent: number): number[] =>
    (children.get(parent) ?? []).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

/** The pid of each process with that of its parent. */
const processes = () =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
