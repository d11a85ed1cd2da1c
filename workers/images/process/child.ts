import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ItemError } from '../../errors.ts'
import type { ImageReply, ImageRequest } from './protocol.ts'

export interface ProcessLimits {
  /** Of one request, from its beginning. */
  milliseconds: number
  /** Of the whole process, measured while it works; on Linux only. */
  megabytes: number
}

/** The process did not start: a fault of the server, whatever the image is. */
export class ProcessUnavailable extends Error {
  override readonly name = 'ProcessUnavailable'
  constructor(reason: string, options?: ErrorOptions) {
    super(`The process that draws and decodes images does not start: ${reason}.`, options)
  }
}

/** The image is at fault. `reason` gets the word for what was to be done. */
export function refusal({ task }: ImageRequest, reason: (verb: string) => string): ItemError {
  const words =
    task === 'raster'
      ? `The image ${reason('decode')}; save it anew, as PNG or JPEG.`
      : `The SVG ${reason('draw')}; simplify it, or send it as PNG.`
  return new ItemError('INVALID', words)
}

const program = fileURLToPath(new URL('./program.ts', import.meta.url))
/** The interval of the memory's measurements. */
const watchMs = 50

/** One process that draws and decodes images. It ends with the thread that started it, and keeps no thread alive. */
export class ImageChild {
  readonly #process: ChildProcess

  private constructor(process: ChildProcess) {
    this.#process = process
    process.unref()
    process.channel?.unref()
  }

  /** @throws ProcessUnavailable */
  static start(): Promise<ImageChild> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string, cause?: Error) => reject(new ProcessUnavailable(reason, { cause }))
      const process = forkProgram(fail)
      if (!process) return
      // Once the process is ready, these reject a settled promise.
      process.on('error', (error) => fail(error.message, error))
      process.once('exit', (code, signal) => fail(signal ?? `exit code ${code}`))
      process.once('message', () => resolve(new ImageChild(process)))
    })
  }

  get alive(): boolean {
    const { connected, exitCode, signalCode } = this.#process
    return connected && exitCode === null && signalCode === null
  }

  /** One request at a time. Null when the process ended by itself. @throws ItemError past a limit, when the process is gone */
  run(request: ImageRequest, { milliseconds, megabytes }: ProcessLimits): Promise<ImageReply | null> {
    const process = this.#process
    return new Promise((resolve, reject) => {
      let exceeded: ItemError | null = null
      const exceed = (limit: string) => {
        exceeded = refusal(request, (verb) => `takes more than ${limit} to ${verb}`)
        this.end()
      }
      const timer = setTimeout(() => exceed(`${milliseconds / 1000} s`), milliseconds)
      const watch = setInterval(() => {
        if (residentMegabytes(process.pid!) > megabytes) exceed(`${megabytes} MB of memory`)
      }, watchMs)
      const settle = () => {
        clearTimeout(timer)
        clearInterval(watch)
        process.off('message', onReply)
        process.off('exit', onExit)
        process.channel?.unref()
      }
      const onReply = (reply: ImageReply) => {
        settle()
        resolve(reply)
      }
      const onExit = () => {
        settle()
        if (exceeded === null) resolve(null)
        else reject(exceeded)
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
function forkProgram(fail: (reason: string, cause: Error) => void): ChildProcess | null {
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
