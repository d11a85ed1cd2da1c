/** Drawings with the bundled model as the server makes them, without a server around. */
import os from 'node:os'
import path from 'node:path'
import type { GeneratorName } from '../../workers/drawing/generators/index.ts'
import type { DrawingRequest } from '../../workers/drawing/request.ts'
import { DrawingRuns } from '../../workers/drawing/runs/drawing-runs.ts'
import {
  type HeldRun,
  isOver,
  type NewRun,
  type RunEnd,
  type RunFrame,
  type RunPage,
  type RunRow,
  type RunStore,
  type SavedRun,
} from '../../workers/drawing/runs/run-store.ts'
import { LocalEncoder } from '../../workers/encode/local-encoder.ts'
import { ItemError } from '../../workers/errors.ts'
import { LocalGuide } from '../../workers/guidance/local-guide.ts'
import { bundledModel } from '../../workers/registry/bundled.ts'
import { ModelRegistry } from '../../workers/registry/registry.ts'

export interface Drawn {
  row: RunRow
  /** Similarities of the first and the last preview with the prompt. */
  first: number
  last: number
  stepsPerSecond: number
}

export interface Asked extends Partial<Omit<DrawingRequest, 'generator'>> {
  generator: GeneratorName
  prompt: string
}

export async function drawings() {
  const cacheFolder = path.join(os.tmpdir(), 'limn-drawings')
  const registry = new ModelRegistry({
    bundledFolder: path.resolve('workers/models'),
    homeFolder: path.join(cacheFolder, 'none'),
    cacheFolder,
    defaultModel: bundledModel,
  })
  const encoder = new LocalEncoder({ registry, cacheFolder, provider: 'cpu' })
  const guide = new LocalGuide({ resolve: ({ name }) => registry.get(name), cacheFolder, provider: 'cpu' })
  const store = new MemoryStore()
  const runs = new DrawingRuns({ guide, store, model: (name) => registry.get(name) })
  const spec = await registry.get()

  async function vectors(inputs: ({ text: string } | { image: Uint8Array })[]): Promise<Float32Array[]> {
    return (await encoder.encode(inputs, { priority: 'bulk' })).map((encoded) => {
      if (encoded instanceof ItemError) throw encoded
      return encoded.vector
    })
  }

  return {
    vectors,
    guide,
    spec,
    async run({ prompt, ...asked }: Asked): Promise<Drawn> {
      const [target] = await vectors([{ text: prompt }])
      const request = {
        steps: 150,
        seed: 0,
        width: 512,
        height: 512,
        elements: 24,
        palette: null,
        start: null,
        ...asked,
      }
      const { id } = await runs.start({ ...request, model: spec, prompts: [{ vector: target!, weight: 1 }] })
      let first: RunRow | null = null
      let row: RunRow | null = null
      let begun = 0
      for await (const frame of runs.frames(id, new AbortController().signal)) {
        if (!frame.preview) continue
        if (!first) {
          first = frame
          begun = performance.now()
        }
        row = frame
      }
      if (!first || row?.status !== 'DONE') throw new Error(row?.error ?? 'the run ended without an image')
      const seconds = (performance.now() - begun) / 1000
      const [a, b] = await vectors([{ image: first.preview! }, { image: row.preview! }])
      return {
        row,
        first: dot(a!, target!),
        last: dot(b!, target!),
        stepsPerSecond: (request.steps - first.step) / seconds,
      }
    },
    async [Symbol.asyncDispose]() {
      await runs.close()
      await Promise.all([guide.close(), encoder.close()])
    },
  }
}

export const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0)

/** What a benchmark needs no database for. */
class MemoryStore implements RunStore {
  isTransient = () => false
  readonly #rows = new Map<string, SavedRun>()

  async create(run: NewRun): Promise<SavedRun> {
    const id = `run_${this.#rows.size}`
    const empty = {
      step: 0,
      loss: null,
      preview: null,
      previewWidth: 0,
      previewHeight: 0,
      svg: null,
      error: null,
      state: null,
      stopRequested: false,
    }
    const row: SavedRun = { id, status: 'QUEUED', ...run, ...empty, createdAt: new Date() }
    this.#rows.set(id, row)
    return row
  }

  async get(id: string): Promise<SavedRun | null> {
    return this.#rows.get(id) ?? null
  }

  async startedWith(): Promise<null> {
    return null
  }

  load = this.get

  async page(): Promise<RunPage> {
    return { rows: [...this.#rows.values()], hasNextPage: false }
  }

  async count(): Promise<number> {
    return this.#rows.size
  }

  async delete(ids: readonly string[]): Promise<string[]> {
    return ids.filter((id) => this.#rows.delete(id))
  }

  async free(): Promise<string[]> {
    return [...this.#rows.values()].filter((row) => !isOver(row)).map(({ id }) => id)
  }

  async claim(): Promise<boolean> {
    return true
  }

  async renew(): Promise<HeldRun> {
    return { stopRequested: false }
  }

  async release(): Promise<void> {}

  async requestStop(): Promise<void> {}

  async save(id: string, progress: RunFrame & { state: Uint8Array }): Promise<HeldRun> {
    this.#rows.set(id, { ...this.#rows.get(id)!, ...progress, status: 'RUNNING' })
    return { stopRequested: false }
  }

  async end(id: string, end: RunEnd, frame?: RunFrame): Promise<SavedRun> {
    const row = { ...this.#rows.get(id)!, ...end, ...frame, start: null, state: null }
    this.#rows.set(id, row)
    return row
  }
}
