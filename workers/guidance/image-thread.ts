/** Body of the thread that decodes images to guide, makes their views and brings gradients back to them. */

import sharp from 'sharp'
import { ItemError, type ItemErrorCode } from '../errors.ts'
import type { ImageSpec } from '../images/image-spec.ts'
import type { ImageLimits } from '../images/open.ts'
import { hostSession } from '../runtime/session-host.ts'
import { GuidedImage } from './guided-image.ts'

export type ImageTask = { image: number } & (
  | { task: 'open'; bytes: Uint8Array; spec: ImageSpec; limits: ImageLimits }
  | { task: 'cut'; cutouts: number; seed: number }
  | { task: 'views'; from: number; to: number }
  | { task: 'plain' }
  | { task: 'take'; from: number; gradients: Float32Array }
  | { task: 'gradient' }
  | { task: 'step'; rate: number }
  | { task: 'overlay'; values: readonly number[]; columns: number; rows: number }
  | { task: 'close' }
)

export type ImageResult =
  | { width: number; height: number }
  | { floats: Float32Array }
  | { png: Uint8Array }
  | { refused: { code: ItemErrorCode; message: string } }
  | null

sharp.concurrency(1)
sharp.cache(false)

const images = new Map<number, GuidedImage>()

async function perform(asked: ImageTask): Promise<ImageResult> {
  if (asked.task === 'open') {
    const image = await GuidedImage.open(asked.bytes, asked.spec, asked.limits)
    images.set(asked.image, image)
    return { width: image.width, height: image.height }
  }
  if (asked.task === 'close') {
    images.delete(asked.image)
    return null
  }
  const image = images.get(asked.image)
  if (!image) throw new Error('the image is not open')
  switch (asked.task) {
    case 'cut':
      image.sampleCutouts(asked.cutouts, asked.seed)
      return null
    case 'views':
      return { floats: image.views(asked.from, asked.to) }
    case 'plain':
      return { floats: image.plain() }
    case 'take':
      image.accumulate(asked.from, asked.gradients)
      return null
    case 'gradient':
      // A copy goes out: a step is still to be made from it.
      return { floats: image.gradient().slice() }
    case 'step':
      return { png: await image.step(asked.rate) }
    case 'overlay':
      return { png: await image.overlay(asked.values, asked.columns, asked.rows) }
  }
}

await hostSession(async () => ({
  ready: null,
  async run(asked: ImageTask) {
    try {
      const output = await perform(asked)
      const transfer = output && 'floats' in output ? [output.floats.buffer as ArrayBuffer] : []
      return { output, transfer }
    } catch (error) {
      if (!(error instanceof ItemError)) throw error
      return { output: { refused: { code: error.code, message: error.message } }, transfer: [] }
    }
  },
}))
