/** What the thread for images does for a {@link RemoteImage}; `id` names one of its open images. */
import type { ImageSpec } from '../images/image-spec.ts'
import type { ImageLimits } from '../images/open.ts'

export interface ImageTasks {
  /** @throws ItemError */
  open(
    id: number,
    bytes: Uint8Array,
    spec: ImageSpec,
    limits: ImageLimits,
  ): Promise<{ width: number; height: number }>
  sampleCutouts(id: number, cutouts: number, seed: number): void
  views(id: number, from: number, to: number): Float32Array
  plain(id: number): Float32Array
  accumulate(id: number, from: number, gradients: Float32Array): void
  gradient(id: number): Float32Array
  step(id: number, rate: number): Promise<Uint8Array>
  overlay(id: number, values: readonly number[], columns: number, rows: number): Promise<Uint8Array>
  close(id: number): void
}
