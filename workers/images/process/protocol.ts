/** Messages between an {@link ImageProcess} and its process. */
import type { Metadata, ResizeOptions } from 'sharp'
import type { WireError } from '../../runtime/wire-errors.ts'
import type { RasterOptions } from '../raster-pipeline.ts'

/** As sharp takes them. */
export interface SvgOptions {
  /** The maximum pixels of the image. */
  pixels: number
  /** How many times its own size; 1 when absent. */
  scale?: number
  resize?: ResizeOptions
}

/** Row-major, 8 bits a channel. */
export interface DecodedPixels {
  data: Uint8Array
  width: number
  height: number
  channels: 1 | 2 | 3 | 4
}

export type ImageRequest = { bytes: Uint8Array } & (
  | { task: 'svg header' }
  | { task: 'svg'; options: SvgOptions }
  | { task: 'raster'; options: RasterOptions }
)

export type ImageReply = { result: Metadata | DecodedPixels } | { error: WireError }

/** The first message of a process. */
export interface ProcessReady {
  ready: true
}
