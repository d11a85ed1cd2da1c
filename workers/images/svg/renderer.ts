/**
 * SVGs are drawn in a process of their own: a drawing cannot be stopped once it has begun, and four kilobytes of dashes take
 * half a minute and eleven gigabytes. A process can be ended.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Metadata, ResizeOptions } from 'sharp'
import { ItemError } from '../../errors.ts'
import { utf8Xml } from '../xml-encoding.ts'

/** As sharp takes them; `pixels` is the most that it may have. */
export interface RenderOptions {
  pixels: number
  /** Dots per inch; 72 is the drawing's own size. */
  density?: number
  resize?: ResizeOptions
}

/** RGB or RGBA, row-major, in sRGB. */
export interface RenderedSvg {
  data: Uint8Array
  width: number
  height: number
  channels: 1 | 2 | 3 | 4
}

export interface RenderRequest {
  bytes: Uint8Array
  /** Absent where only the header is asked for. */
  render?: RenderOptions
}
export type RenderReply =
  | { ready: true }
  | { header: Metadata }
  | { rendered: RenderedSvg }
  | { error: string }

export interface RendererLimits {
  /** Of one drawing, from its beginning. */
  milliseconds: number
  /** Of the process, looked at while it draws; on Linux only. */
  megabytes: number
}

const program = fileURLToPath(new URL('./renderer-process.ts', import.meta.url))
/** How long a process without work is kept. */
const idleMs = 60_000
/** How often its memory is looked at. */
const watchMs = 50

/** One process, started when first needed, and one drawing at a time. */
export class SvgRenderer {
  readonly #limits: RendererLimits
  #process: Promise<ChildProcess> | null = null
  #last: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor(limits: RendererLimits) {
    this.#limits = limits
  }

  /** What sharp's metadata() tells. @throws ItemError past a limit, Error with sharp's words */
  async header(bytes: Uint8Array): Promise<Metadata> {
    const reply = await this.#ask({ bytes: utf8Xml(bytes) })
    if ('header' in reply) return reply.header
    throw new Error('error' in reply ? reply.error : 'unexpected reply')
  }

  /** @throws ItemError past a limit, Error with sharp's words */
  async render(bytes: Uint8Array, render: RenderOptions): Promise<RenderedSvg> {
    const reply = await this.#ask({ bytes: utf8Xml(bytes), render })
    if ('rendered' in reply) return reply.rendered
    throw new Error('error' in reply ? reply.error : 'unexpected reply')
  }

  #ask(request: RenderRequest): Promise<RenderReply> {
    const turn = this.#last.then(() => {
      clearTimeout(this.#idle)
      return this.#turn(request)
    })
    this.#last = turn
      .catch(() => {})
      .then(() => {
        this.#idle = setTimeout(() => this.#leave(), idleMs).unref()
      })
    return turn
  }

  /** A process that ends by itself may have had other reasons: its drawing has a second try. */
  async #turn(request: RenderRequest, again = true): Promise<RenderReply> {
    this.#process ??= start()
    const child = await this.#process.catch((error) => {
      this.#process = null
      throw error
    })
    const reply = await this.#answer(child, request)
    if (reply) return reply
    this.#leave()
    if (again) return this.#turn(request, false)
    throw refusal('cannot be drawn: the renderer ended on it')
  }

  /** Null when the process ended by itself. @throws ItemError past a limit */
  #answer(child: ChildProcess, request: RenderRequest): Promise<RenderReply | null> {
    if (!child.connected) return Promise.resolve(null)
    const { milliseconds, megabytes } = this.#limits
    return new Promise((resolve, reject) => {
      let reason: string | null = null
      const end = (why: string) => {
        reason = why
        this.#leave()
      }
      const timer = setTimeout(() => end(`takes more than ${milliseconds / 1000} s to draw`), milliseconds)
      const watch = setInterval(() => {
        if (resident(child.pid!) > megabytes) end(`takes more than ${megabytes} MB of memory to draw`)
      }, watchMs)
      const settle = () => {
        clearTimeout(timer)
        clearInterval(watch)
        child.off('message', answered)
        child.off('exit', ended)
        child.channel?.unref()
      }
      const answered = (reply: RenderReply) => {
        settle()
        resolve(reply)
      }
      const ended = () => {
        settle()
        if (reason === null) resolve(null)
        else reject(refusal(reason))
      }
      child.on('message', answered)
      child.on('exit', ended)
      child.channel?.ref()
      // Its end is told by the event.
      child.send(request, () => {})
    })
  }

  #leave(): void {
    void this.#process?.then(
      (child) => child.kill('SIGKILL'),
      () => {},
    )
    this.#process = null
  }
}

const refusal = (reason: string) =>
  new ItemError('INVALID', `The SVG ${reason}; simplify it, or send it as PNG.`)

function start(): Promise<ChildProcess> {
  const child = fork(program, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    const failed = () => reject(new Error('the process that draws SVGs does not start'))
    child.once('exit', failed)
    child.once('message', () => {
      child.off('exit', failed)
      // It ends with the thread that started it, and keeps nobody alive.
      child.unref()
      child.channel?.unref()
      resolve(child)
    })
  })
}

/** Megabytes that a process holds; 0 where that cannot be told. */
function resident(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** This thread's. */
export const svgRenderer = new SvgRenderer({ milliseconds: 10_000, megabytes: 1500 })
