/** Transparency of a pipeline, laid on the ground that the encoder has for it. */
import type { Sharp } from 'sharp'
import { groundOf, white } from './ground.ts'

/** Reads the pixels once more than the pipeline itself does. */
export async function opaque(image: Sharp): Promise<Sharp> {
  return flatten(image, await groundOfPipeline(image))
}

/** White artwork becomes opaque; all other images keep their transparency. */
export async function opaqueIfWhite(image: Sharp): Promise<Sharp> {
  const ground = await groundOfPipeline(image)
  return ground === white ? image : flatten(image, ground)
}

const flatten = (image: Sharp, ground: number) =>
  image.flatten({ background: { r: ground, g: ground, b: ground } })

async function groundOfPipeline(image: Sharp): Promise<number> {
  const { data, info } = await image
    .clone()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return groundOf(data, info.channels)
}
