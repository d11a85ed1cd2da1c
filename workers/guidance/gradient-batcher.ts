/** Views of images on their way through a derived graph; callers that guide at the same time share batches. */

import { ItemError } from '../errors.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { Batcher, type BatchItem } from '../runtime/batcher.ts'
import { cores } from '../runtime/cores.ts'
import { sharedDeviceLock } from '../runtime/device-mutex.ts'
import type { Provider } from '../runtime/provider.ts'
import { Session } from '../runtime/session/session.ts'
import type { WeightedVector } from '../similarity/weighted.ts'
import type { GradientFile } from './gradient-file.ts'
import type { GradientInput, GradientOutput, GradientSettings } from './gradient-thread.ts'

export interface GradientWork extends BatchItem<GradientRow> {
  pixels: Float32Array
  prompts: readonly WeightedVector[]
  spherical: boolean
}

export interface GradientRow {
  /** Not normalised. */
  embedding: Float32Array
  /** d loss / d pixels. */
  gradient: Float32Array
  /** How much each place adds to the loss. */
  heat: Float32Array | null
}

export type GradientBatcher = Batcher<GradientWork, GradientInput, GradientOutput, GradientRow>

export interface GradientBatcherOptions {
  provider: Provider
  threads?: number
  maxBatch: number
  onBatch(size: number, seconds: number): void
  onFailure(error: Error): void
}

export async function createGradientBatcher(
  spec: ModelSpec,
  file: GradientFile,
  { provider, threads = cores, maxBatch, onBatch, onFailure }: GradientBatcherOptions,
): Promise<GradientBatcher> {
  const { width, height } = spec.image
  const { dimensions } = spec
  const settings: GradientSettings = {
    file,
    provider,
    threads,
    dimensions,
    height,
    width,
    deviceLock: sharedDeviceLock,
  }
  const load = () =>
    Session.load<GradientInput, GradientOutput, null>(
      new URL('./gradient-thread.ts', import.meta.url),
      settings,
    )
  return new Batcher([await load()], {
    load,
    maxBatch: file.single ? 1 : maxBatch,
    collate: (batch: readonly GradientWork[]) => collate(batch, dimensions),
    split,
    onBatch,
    onFailure,
    onDequeue() {},
  })
}

function collate(batch: readonly GradientWork[], dimensions: number): GradientInput {
  const rows = batch.length
  const prompts = Math.max(...batch.map(({ prompts }) => prompts.length))
  const size = batch[0]!.pixels.length
  const pixels = new Float32Array(rows * size)
  const targets = new Float32Array(rows * prompts * dimensions)
  const weights = new Float32Array(rows * prompts)
  batch.forEach((work, row) => {
    pixels.set(work.pixels, row * size)
    work.prompts.forEach(({ vector, weight }, p) => {
      targets.set(vector, (row * prompts + p) * dimensions)
      weights[row * prompts + p] = weight
    })
  })
  const spherical = Float32Array.from(batch, (work) => +work.spherical)
  return { rows, prompts, pixels, targets, weights, spherical }
}

function split(output: GradientOutput, batch: readonly GradientWork[]): (GradientRow | Error)[] {
  const row = (all: Float32Array, i: number) => {
    const size = all.length / batch.length
    return all.slice(i * size, (i + 1) * size)
  }
  return batch.map((_, i) => {
    const gradient = row(output.gradients, i)
    if (!gradient.every(Number.isFinite))
      return new ItemError('INVALID', 'The model gives no finite gradient for this image.')
    return { embedding: row(output.embeddings, i), gradient, heat: output.heat && row(output.heat, i) }
  })
}
