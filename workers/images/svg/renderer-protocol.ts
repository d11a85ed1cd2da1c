/** Messages between the SVG renderer and its process. */
import type { Metadata, ResizeOptions } from 'sharp'

/** As sharp takes them. */
export interface RenderOptions {
  /** The maximum pixels of the image. */
  pixels: number
  /** How many times its own size; 1 when absent. */
  scale?: number
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
  /** Absent when the request is for the header only. */
  options?: RenderOptions
}

export type RenderReply = { result: Metadata | RenderedSvg } | { error: string }

/** The first message of a process. */
export interface RendererReady {
  ready: true
}
