/**
 * From an image file to the encoder's input, one at a time on one thread: Limn, sharp's decoding alone (the limit), sharp's
 * own resize, and transformers.js; and how close each comes to the pixels of the reference, which Limn's equal bit for bit
 * where nothing is shrunk while decoding. `npx node test/bench/decoding.ts`
 */

import path from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import type { ImageSpec } from '../../workers/images/image-spec.ts'
import { normalisationTable, normaliseInto } from '../../workers/images/normalise.ts'
import { defaultLimits } from '../../workers/images/open.ts'
import { decodePixels } from '../../workers/images/preprocess.ts'
import { cosine } from '../support/cosine.ts'
import { photos } from './photos.ts'
import { type Log, store } from './tools.ts'
import { loadTransformers } from './transformers/load.ts'
import { specOf } from './variants.ts'
import { vitFolder, vitName } from './vit.ts'

const sheet = fileURLToPath(new URL('../../workers/models/limn-icons/sheet.png', import.meta.url))
const drawing = (width: number, height: number) => sharp(sheet).resize(width, height, { fit: 'cover' })

/** Kinds of files that design tools send. */
async function files(): Promise<Record<string, Buffer>> {
  const [photo] = await photos(1)
  return {
    'photograph, JPEG 1200 x 800': photo!,
    'photograph, JPEG 4000 x 3000': await sharp(photo).resize(4000, 3000, { fit: 'cover' }).jpeg().toBuffer(),
    'photograph, JPEG 600 x 400': await sharp(photo).resize(600, 400).jpeg().toBuffer(),
    'photograph, WebP 1200 x 800': await sharp(photo).webp().toBuffer(),
    'drawing, PNG 1200 x 800': await drawing(1200, 800).removeAlpha().png().toBuffer(),
    'drawing, PNG 1200 x 800 with alpha': await drawing(1200, 800).ensureAlpha(1).png().toBuffer(),
    'drawing, PNG 512 x 512': await drawing(512, 512).removeAlpha().png().toBuffer(),
  }
}

/** Milliseconds of each, the median of `rounds` in turns. */
async function race(
  turns: Record<string, () => Promise<unknown>>,
  rounds: number,
): Promise<Record<string, number>> {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(turns).map((name) => [name, []]))
  for (let round = 0; round < rounds + 3; round++)
    for (const [name, run] of Object.entries(turns)) {
      const begun = performance.now()
      await run()
      if (round >= 3) times[name]!.push(performance.now() - begun)
    }
  return Object.fromEntries(
    Object.entries(times).map(([name, of]) => [name, of.sort((a, b) => a - b)[of.length >> 1]!]),
  )
}

export async function decodingBench({ rounds = 25, log = console.log as Log } = {}): Promise<void> {
  sharp.concurrency(1)
  sharp.cache(false)
  const root = path.dirname(vitFolder(path.join(store, 'models')))
  const { image: spec } = await specOf(root, vitName)
  const own = (file: Buffer) =>
    sharp(file).resize(spec.width, spec.height).flatten({ background: '#fff' }).raw().toBuffer()

  const kinds = Object.entries(await files())
  const ours = []
  for (const [, file] of kinds)
    ours.push(
      await race(
        {
          limn: () => decodePixels(file, spec, defaultLimits),
          decoding: () => sharp(file).raw().toBuffer(),
          sharp: () => own(file),
        },
        rounds,
      ),
    )
  // Loaded only now: collecting garbage in its heap would weigh on all.
  const theirs = await transformersPixels(root)
  for (const [i, [kind, file]] of kinds.entries()) {
    const ms = { ...ours[i], ...(await race({ transformers: () => theirs(file) }, rounds)) }
    // The same pixels in a format that nothing shrinks.
    const whole = await sharp(file).png().toBuffer()
    const reference = normalised(await decodePixels(whole, spec, defaultLimits), spec)
    const near = (pixels: Float32Array) => cosine(pixels, reference).toFixed(5)
    log(kind)
    const row = (name: string, time: number, more: string) =>
      log(`  ${name.padEnd(28)} ${time.toFixed(1).padStart(6)} ms   ${more}`)
    const ratio = (time: number) => `Limn / this ${(ms.limn! / time).toFixed(2)}`
    const found = near(normalised(await decodePixels(file, spec, defaultLimits), spec))
    row('Limn', ms.limn!, `cosine to the reference ${found}`)
    row('decoding alone, by sharp', ms.decoding!, ratio(ms.decoding!))
    row("sharp's own resize", ms.sharp!, `${ratio(ms.sharp!)}   ${near(normalised(await own(file), spec))}`)
    row('transformers.js', ms.transformers!, `${ratio(ms.transformers!)}   ${near(await theirs(file))}`)
  }
}

async function transformersPixels(root: string): Promise<(file: Buffer) => Promise<Float32Array>> {
  const { AutoProcessor, env, RawImage } = await loadTransformers()
  env.localModelPath = root
  env.allowRemoteModels = false
  const processor = await AutoProcessor.from_pretrained(vitName)
  return async (file) =>
    (await processor(await RawImage.fromBlob(new Blob([new Uint8Array(file)])))).pixel_values.data
}

function normalised(pixels: Uint8Array, spec: ImageSpec): Float32Array {
  const out = new Float32Array(pixels.length)
  normaliseInto(out, 0, pixels, normalisationTable(spec))
  return out
}

if (import.meta.main) {
  await decodingBench()
  process.exit(0)
}
