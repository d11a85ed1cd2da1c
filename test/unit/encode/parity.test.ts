/** Tokens and pixels compared with Hugging Face's and Pillow's, where the reference files lie beside the repository. */

import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadTokenizer } from '../../../workers/encode/tokenizer.ts'
import type { ImageSpec } from '../../../workers/images/image-spec.ts'
import { normalisationTable, normaliseInto } from '../../../workers/images/normalise.ts'
import { decodePixels } from '../../../workers/images/preprocess.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import { cosine } from '../../support/cosine.ts'

const parity = path.resolve('..', 'shared', 'parity')
const here = existsSync(path.join(parity, 'manifest.json'))
const manifest: {
  images: { file: string; clipPixels: string; siglipPixels: string }[]
  prompts: { text: string; ids: number[] }[]
} = here ? JSON.parse(readFileSync(path.join(parity, 'manifest.json'), 'utf8')) : { images: [], prompts: [] }

const registry = new ModelRegistry({
  bundledFolder: path.join(os.tmpdir(), 'limn-none'),
  homeFolder: path.join(parity, 'models'),
  cacheFolder: path.join(os.tmpdir(), 'limn-parity-cache'),
  defaultModel: 'tiny-clip',
})

const siglip: ImageSpec = {
  width: 224,
  height: 224,
  fit: 'squash',
  resizeTo: 224,
  filter: 'bicubic',
  rescale: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
}

describe.skipIf(!here)('parity with the reference', () => {
  test.each(manifest.prompts)('the ids of $text equal the reference', async ({ text, ids }) => {
    expect((await loadTokenizer(await registry.get())).encode(text)).toEqual(ids)
  })

  for (const { file, clipPixels, siglipPixels } of manifest.images)
    test.each([
      ['CLIP', clipPixels],
      ['SigLIP', siglipPixels],
    ] as const)(`the pixels of ${file} for %s equal the reference`, async (family, reference) => {
      const spec = family === 'CLIP' ? (await registry.get()).image : siglip
      const bytes = readFileSync(path.join(parity, file))
      const pixels = await decodePixels(bytes, spec, { bytes: 1e8, pixels: 1e8, milliseconds: 10_000 })
      const tensor = new Float32Array(pixels.length)
      normaliseInto(tensor, 0, pixels, normalisationTable(spec))
      const expected = new Float16Array(new Uint8Array(readFileSync(path.join(parity, reference))).buffer)
      const similarity = cosine(tensor, expected)
      console.log(`${file} ${family}: cosine ${similarity.toFixed(7)}`)
      expect(similarity).toBeGreaterThanOrEqual(file.endsWith('.jpg') ? 0.995 : 0.9995)
    })
})
