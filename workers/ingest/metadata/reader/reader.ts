/** Reads metadata in a thread that is ended where it takes too long: a file may hold any amount of it, in any form. */
import { Worker } from 'node:worker_threads'
import { type Log, silent } from '../../../log.ts'
import { type EmbeddedMetadata, type MetadataHeader, noMetadata } from '../read.ts'
import type { MetadataReply, MetadataRequest } from './protocol.ts'

export interface MetadataReaderOptions {
  /** Of one image. */
  milliseconds?: number
  log?: Log
}

/** Of the thread's heap; the image itself lies outside of it. */
const maxHeapMegabytes = 256
/** How long a thread without work stays. */
const idleMs = 60_000

export class MetadataReader {
  readonly #milliseconds: number
  readonly #log: Log
  #thread: Promise<Worker> | null = null
  #last: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor({ milliseconds = 5_000, log = silent }: MetadataReaderOptions = {}) {
    this.#milliseconds = milliseconds
    this.#log = log
  }

  /** One image after the other. Nothing for an image that takes too long: that is no reason to turn it away. */
  read(bytes: Uint8Array, header: MetadataHeader): Promise<EmbeddedMetadata> {
    const { format, exif, xmp, iptc } = header
    const result = this.#last.then(() => this.#read({ bytes, header: { format, exif, xmp, iptc } }))
    this.#last = result
    return result
  }

  /** Does not wait for what is being read. */
  async close(): Promise<void> {
    await this.#end()
  }

  async #read(request: MetadataRequest): Promise<EmbeddedMetadata> {
    clearTimeout(this.#idle)
    try {
      this.#thread ??= this.#start()
      return await answerOf(await this.#thread, request, this.#milliseconds)
    } catch (error) {
      this.#log.warn({ reason: (error as Error).message }, 'the metadata of an image was not read')
      await this.#end()
      return noMetadata
    } finally {
      this.#idle = setTimeout(() => this.#end(), idleMs).unref()
    }
  }

  #start(): Promise<Worker> {
    const thread = new Worker(new URL('./thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes },
    })
    const started = new Promise<Worker>((resolve, reject) => {
      thread.once('message', () => {
        thread.unref()
        resolve(thread)
      })
      thread.on('error', reject)
      thread.once('exit', () => {
        reject(new Error('the thread ended'))
        if (this.#thread === started) this.#thread = null
      })
    })
    return started
  }

  async #end(): Promise<void> {
    const thread = await this.#thread?.catch(() => null)
    this.#thread = null
    await thread?.terminate()
  }
}

/** @throws Error past the time, and when the thread ends */
function answerOf(thread: Worker, request: MetadataRequest, milliseconds: number): Promise<EmbeddedMetadata> {
  const { promise, resolve, reject } = Promise.withResolvers<EmbeddedMetadata>()
  const onMessage = (reply: MetadataReply) => 'metadata' in reply && resolve(reply.metadata)
  const onExit = () => reject(new Error('the thread ended'))
  const timer = setTimeout(
    () => reject(new Error(`it took more than ${milliseconds / 1000} s`)),
    milliseconds,
  )
  thread.on('message', onMessage)
  thread.on('error', reject)
  thread.on('exit', onExit)
  thread.ref()
  thread.postMessage(request)
  return promise.finally(() => {
    clearTimeout(timer)
    thread.off('message', onMessage)
    thread.off('error', reject)
    thread.off('exit', onExit)
    thread.unref()
  })
}
