/** Vectors compared with PyTorch's, where the reference files lie beside the repository, and with each other. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { cosine } from '../../support/cosine.ts'
import { openEncoder, type TestEncoder, vectors } from '../../support/encoders.ts'
import { testImages } from '../../support/images.ts'

const parity = path.resolve('..', 'shared', 'parity')
const here = existsSync(path.join(parity, 'manifest.json'))

interface Reference {
  embeddings: Record<string, number[]>
}
const manifest: { images: (Reference & { file: string })[]; prompts: (Reference & { text: string })[] } = here
  ? JSON.parse(readFileSync(path.join(parity, 'manifest.json'), 'utf8'))
  : { images: [], prompts: [] }

describe.skipIf(!here).each(['tiny-clip', 'tiny-clip-gelu'])('vectors of %s', (model) => {
  let encoder: TestEncoder
  beforeAll(async () => {
    encoder = await openEncoder({ modelsRoot: path.join(parity, 'models') })
  })
  afterAll(() => encoder?.close())

  test('the vectors of texts in one call equal the reference', async () => {
    const found = vectors(
      await encoder.encode(
        manifest.prompts.map(({ text }) => ({ text })),
        { model },
      ),
    )
    manifest.prompts.forEach(({ text, embeddings }, n) => {
      expect(cosine(found[n]!, embeddings[model]!), text).toBeGreaterThanOrEqual(0.999)
    })
  })

  test('the vectors of images, alone and together, equal the reference', async () => {
    const inputs = manifest.images.map(({ file }) => ({ image: readFileSync(path.join(parity, file)) }))
    const [first, ...rest] = inputs
    const found = vectors([
      ...(await encoder.encode([first!], { model })),
      ...(await encoder.encode(rest, { model })),
    ])
    manifest.images.forEach(({ file, embeddings }, n) => {
      const minCosine = file.endsWith('.jpg') ? 0.99 : 0.999
      expect(cosine(found[n]!, embeddings[model]!), file).toBeGreaterThanOrEqual(minCosine)
    })
  })
})

describe('vectors', () => {
  let encoder: TestEncoder
  beforeAll(async () => {
    encoder = await openEncoder({
      cacheBytes: 1,
      models: {
        plain: {},
        half: { half: true },
        combined: { combined: true },
        wrong: { saysDimensions: 7 },
      },
    })
  })
  afterAll(() => encoder?.close())

  const inputs = async () => [
    ...(await testImages(6)).map((image) => ({ image })),
    ...['red heart', 'a house', 'a very long text of many words to fill the sequence', 'x'].map((text) => ({
      text,
    })),
  ]

  it('a vector does not depend on the rest of its batch', async () => {
    const all = await inputs()
    const together = vectors(await encoder.encode(all))
    expect(Math.max(...encoder.batches.map(({ size }) => size))).toBeGreaterThan(1)
    for (const [n, input] of all.entries()) {
      const [alone] = vectors(await encoder.encode([input]))
      expect(cosine(alone!, together[n]!)).toBeGreaterThan(0.99999)
    }
  })

  it('a vector has length 1', async () => {
    for (const vector of vectors(await encoder.encode(await inputs())))
      expect(Math.hypot(...vector)).toBeCloseTo(1, 6)
  })

  it('a vector from half-precision outputs is the same up to their precision', async () => {
    const [full, half] = await Promise.all(
      ['plain', 'half'].map(async (model) => vectors(await encoder.encode(await inputs(), { model }))),
    )
    full!.forEach((vector, n) => {
      expect(half![n]!.length).toBe(vector.length)
      expect(cosine(vector, half![n]!)).toBeGreaterThan(0.9999)
    })
  })

  it('a vector from a combined graph is the same', async () => {
    const [separate, combined] = await Promise.all(
      ['plain', 'combined'].map(async (model) => vectors(await encoder.encode(await inputs(), { model }))),
    )
    separate!.forEach((vector, n) => {
      expect(cosine(vector, combined![n]!)).toBeGreaterThan(0.99999)
    })
  })

  it('a vector of another length than config.json says is an error that names both', async () => {
    await expect(encoder.encode([{ text: 'a' }], { model: 'wrong' })).rejects.toThrow(
      /the config files say 7 dimensions, \w+_model\.onnx gives 6/,
    )
    await expect(encoder.encode([{ text: 'a' }], { model: 'wrong' })).rejects.toThrow('7 dimensions')
    vectors(await encoder.encode([{ text: 'the other models still work' }]))
  })
})
