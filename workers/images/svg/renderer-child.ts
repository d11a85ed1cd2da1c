import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ItemError } from '../../errors.ts'
import type { RenderReply, RenderRequest } from './renderer-protocol.ts'

export interface RendererLimits {
  /** Of one request, from its beginning. */
  milliseconds: number
  /** Of the whole process, measured while it works; on Linux only. */
  megabytes: number
}

/** The process did not start: a fault of the server, whatever the SVG is. */
export class RendererUnavailable extends Error {
  override readonly name = 'RendererUnavailable'
  constructor(reason: string, options?: ErrorOptions) {
    super(`The process that renders SVGs does not start: ${reason}.`, options)
  }
}

/** The SVG is at fault. */
export const refusal = (reason: string) =>
  new ItemError('INVALID', `The SVG ${reason}; simplify it, or send it as PNG.`)

const program = fileURLToPath(new URL('./renderer-process.ts', import.meta.url))
/** The interval of the memory's measurements. */
const watchMs = 50

/** One process that renders SVGs. It ends with the thread that started it, and keeps no thread alive. */
export class RendererChild {
  readonly #process: ChildProcess

  private constructor(process: ChildProcess) {
    this.#process = process
    process.unref()
    process.channel?.unref()
  }

  /** @throws RendererUnavailable */
  static start(): Promise<RendererChild> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string, cause?: Error) => reject(new RendererUnavailable(reason, { cause }))
      const process = forkRenderer(fail)
      if (!process) return
      // Once the process is ready, these reject a settled promise.
      process.on('error', (error) => fail(error.message, error))
      process.once('exit', (code, signal) => fail(signal ?? `exit code ${code}`))
      process.once('message', () => resolve(new RendererChild(process)))
    })
  }

  get alive(): boolean {
    const { connected, exitCode, signalCode } = this.#process
    return connected && exitCode === null && signalCode === null
  }

  /** One request at a time. Null when the process ended by itself. @throws ItemError past a limit, when the process is gone */
  run(request: RenderRequest, { milliseconds, megabytes }: RendererLimits): Promise<RenderReply | null> {
    const process = this.#process
    return new Promise((resolve, reject) => {
      let exceeded: string | null = null
      const exceed = (limit: string) => {
        exceeded = limit
        this.end()
      }
      const timer = setTimeout(() => exceed(`takes more than ${milliseconds / 1000} s to draw`), milliseconds)
      const watch = setInterval(() => {
        if (residentMegabytes(process.pid!) > megabytes)
          exceed(`takes more than ${megabytes} MB of memory to draw`)
      }, watchMs)
      const settle = () => {
        clearTimeout(timer)
        clearInterval(watch)
        process.off('message', onReply)
        process.off('exit', onExit)
        process.channel?.unref()
      }
      const onReply = (reply: RenderReply) => {
        settle()
        resolve(reply)
      }
      const onExit = () => {
        settle()
        if (exceeded === null) resolve(null)
        else reject(refusal(exceeded))
      }
      process.on('message', onReply)
      process.on('exit', onExit)
      process.channel?.ref()
      // When sending fails the process has ended, and its exit settles the request.
      process.send(request, () => {})
    })
  }

  end(): void {
    this.#process.kill('SIGKILL')
  }
}

/** Null after `fail`: some faults of the system, such as no memory, are thrown and not emitted. */
function forkRenderer(fail: (reason: string, cause: Error) => void): ChildProcess | null {
  try {
    return fork(program, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    })
  } catch (error) {
    fail((error as Error).message, error as Error)
    return null
  }
}

/** Memory that a process holds; 0 where the system does not tell. */
function residentMegabytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
