/** Body of the thread that decodes pictures to guide, makes their views and brings gradients back to them. */
import sharp from 'sharp'
import { ItemError, type ItemErrorCode } from '../errors.ts'
import type { PictureLimits } from '../images/open.ts'
import type { ImageSpec } from '../registry/spec.ts'
import { serveSession } from '../runtime/session-host.ts'
import { GuidedPicture } from './guided-image.ts'

export type PictureTask = { picture: number } & (
  | { task: 'open'; bytes: Uint8Array; spec: ImageSpec; limits: PictureLimits }
  | { task: 'cut'; cutouts: number; seed: number }
  | { task: 'views'; from: number; to: number }
  | { task: 'plain' }
  | { task: 'take'; from: number; gradients: Float32Array }
  | { task: 'gradient' }
  | { task: 'step'; rate: number }
  | { task: 'overlay'; values: readonly number[]; columns: number; rows: number }
  | { task: 'close' }
)

export type PictureResult =
  | { width: number; height: number }
  | { floats: Float32Array }
  | { png: Uint8Array }
  | { refused: { code: ItemErrorCode; message: string } }
  | null

sharp.concurrency(1)
sharp.cache(false)

const pictures = new Map<number, GuidedPicture>()

async function perform(asked: PictureTask): Promise<PictureResult> {
  if (asked.task === 'open') {
    const picture = await GuidedPicture.open(asked.bytes, asked.spec, asked.limits)
    pictures.set(asked.picture, picture)
    return { width: picture.width, height: picture.height }
  }
  if (asked.task === 'close') {
    pictures.delete(asked.picture)
    return null
  }
  const picture = pictures.get(asked.picture)
  if (!picture) throw new Error('the picture is not open')
  switch (asked.task) {
    case 'cut':
      picture.cut(asked.cutouts, asked.seed)
      return null
    case 'views':
      return { floats: picture.views(asked.from, asked.to) }
    case 'plain':
      return { floats: picture.plain() }
    case 'take':
      picture.take(asked.from, asked.gradients)
      return null
    case 'gradient':
      // A copy goes out: a step is still to be made from it.
      return { floats: picture.gradient().slice() }
    case 'step':
      return { png: await picture.step(asked.rate) }
    case 'overlay':
      return { png: await picture.overlay(asked.values, asked.columns, asked.rows) }
  }
}

await serveSession(async () => ({
  ready: null,
  async run(asked: PictureTask) {
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
