/** The guide operation on the bundled model: real images, a real session, differences and geometry as oracles. */
import { tmpdir } from 'node:os'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalEncoder } from '../../../workers/encode/local-encoder.ts'
import { ItemError } from '../../../workers/errors.ts'
import type { GuideRequest } from '../../../workers/guidance/guide.ts'
import { LocalGuide } from '../../../workers/guidance/local-guide.ts'
import { bundledModel } from '../../../workers/registry/bundled.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import type { ModelSpec } from '../../../workers/registry/spec.ts'
import { agreement } from '../../support/differences.ts'

const cacheFolder = path.join(tmpdir(), 'limn-guide-cache')
const registry = new ModelRegistry({
  bundledFolder: path.resolve('workers/models'),
  homeFolder: path.join(cacheFolder, 'none'),
  cacheFolder,
  defaultModel: bundledModel,
})
const encoder = new LocalEncoder({ registry, cacheFolder, provider: 'cpu' })
const guide = new LocalGuide({ resolve: ({ name }) => registry.get(name), cacheFolder, provider: 'cpu' })
const samples = path.resolve('workers/ingest/samples')
const vector = async (input: { text: string } | { image: Uint8Array }) => {
  const [encoded] = await encoder.encode([input])
  if (encoded instanceof ItemError) throw encoded
  return encoded!.vector
}
let spec: ModelSpec
beforeAll(async () => {
  spec = await registry.get()
})
afterAll(() => Promise.all([guide.close(), encoder.close()]))

const plain = { loss: 'SPHERICAL', cutouts: 0, seed: 0, gradient: false, heatmaps: [], steps: [] } as const
const ask = async (image: Uint8Array, text: string, more: Partial<GuideRequest> = {}) =>
  guide.guide(spec, { ...plain, image, prompts: [{ vector: await vector({ text }), weight: 1 }], ...more })

/** A smooth image of many colours, larger than the encoder's input and not square. */
function gradientImage(
  width: number,
  height: number,
  shift: (p: number, c: number) => number = () => 0,
): Promise<Buffer> {
  const data = Buffer.alloc(width * height * 3)
  for (let p = 0; p < width * height; p++)
    for (let c = 0; c < 3; c++) {
      const wave = Math.sin((p % width) * 0.05 * (c + 1) + Math.floor(p / width) * 0.07)
      data[p * 3 + c] = Math.round(128 + 90 * wave + shift(p, c))
    }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
}

/** The same PNG, but its header says another size. */
function withSize(png: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(png)
  changed.writeUInt32BE(width, 16)
  changed.writeUInt32BE(height, 20)
  changed.writeUInt32BE(crc32(changed.subarray(12, 29)), 29)
  return changed
}

describe('guide', () => {
  it('the guide gives the terms that follow from the encoder', async () => {
    const image = await gradientImage(150, 100)
    const [a, b, own] = await Promise.all([
      vector({ text: 'red' }),
      vector({ text: 'a house' }),
      vector({ image }),
    ])
    const prompts = [
      { vector: a, weight: 2 },
      { vector: b, weight: -1 },
    ]
    const guided = await guide.guide(spec, { ...plain, image, prompts, loss: 'COSINE' })
    const cosines = prompts.map(({ vector }) => vector.reduce((sum, v, i) => sum + v * own[i]!, 0))
    guided.terms.forEach(({ similarity, loss, weight }, i) => {
      expect(similarity).toBeCloseTo(cosines[i]!, 5)
      expect(loss).toBeCloseTo(1 - cosines[i]!, 5)
      expect(weight).toBe(prompts[i]!.weight)
    })
    expect(guided.loss).toBeCloseTo((2 * (1 - cosines[0]!) - (1 - cosines[1]!)) / 3, 5)
    expect(guided.gradient).toBeNull()
  })

  it.each(['SPHERICAL', 'COSINE'] as const)(
    "the gradient of %s at the image's own size agrees with differences",
    async (loss) => {
      const [width, height] = [90, 70]
      const { gradient } = await ask(await gradientImage(width, height), 'a blue star', {
        loss,
        gradient: true,
      })
      expect(gradient).toHaveLength(width * height * 3)
      const analytic: number[] = []
      const differences: number[] = []
      // Smooth directions: what a resize would average away says nothing.
      for (let k = 0; k < 16; k++) {
        const direction = (p: number, c: number) =>
          Math.sin((p % width) * 0.04 * (k + 1) + c * k) *
          Math.cos(Math.floor(p / width) * 0.03 * ((k * 7) % 11) + k)
        const at = async (sign: number) =>
          (
            await ask(
              await gradientImage(width, height, (p, c) => sign * 3 * direction(p, c)),
              'a blue star',
              { loss },
            )
          ).loss
        differences.push(((await at(1)) - (await at(-1))) / (2 * (3 / 255)))
        analytic.push(gradient!.reduce((sum, g, i) => sum + g * direction((i / 3) | 0, i % 3), 0))
      }
      expect(agreement(analytic, differences).cosine).toBeGreaterThan(0.9)
    },
  )

  it('the gradient of cutouts agrees with differences over the same cutouts', async () => {
    const [width, height] = [140, 100]
    const options = { cutouts: 5, seed: 3 }
    const { gradient } = await ask(await gradientImage(width, height), 'a green leaf', {
      ...options,
      gradient: true,
    })
    const analytic: number[] = []
    const differences: number[] = []
    for (let k = 0; k < 10; k++) {
      const direction = (p: number, c: number) =>
        Math.sin((p % width) * 0.03 * (k + 1) + c * k + Math.floor(p / width) * 0.02 * k)
      const at = async (sign: number) =>
        (
          await ask(
            await gradientImage(width, height, (p, c) => sign * 3 * direction(p, c)),
            'a green leaf',
            options,
          )
        ).loss
      differences.push(((await at(1)) - (await at(-1))) / (2 * (3 / 255)))
      analytic.push(gradient!.reduce((sum, g, i) => sum + g * direction((i / 3) | 0, i % 3), 0))
    }
    expect(agreement(analytic, differences).cosine).toBeGreaterThan(0.9)
  })

  it('cutouts are the same for one seed, and differ for another', async () => {
    const image = await gradientImage(100, 80)
    const of = (seed: number) => ask(image, 'a tree', { cutouts: 4, seed, gradient: true })
    const [first, again, other] = [await of(1), await of(1), await of(2)]
    expect(again.loss).toBe(first.loss)
    expect(again.gradient).toEqual(first.gradient)
    expect(other.loss).not.toBe(first.loss)
  })

  it.each(['crab', 'dog-face', 'red-heart'])('a step lowers the loss of the image %s', async (name) => {
    const image = await sharp(path.join(samples, `fluent-emoji-flat-${name}.webp`))
      .png()
      .toBuffer()
    const before = await ask(image, 'a blue cloud', { steps: [0.003] })
    const after = await ask(before.steps[0]!, 'a blue cloud')
    expect(after.loss).toBeLessThan(before.loss)
    const [a, b] = await Promise.all([image, before.steps[0]!].map((file) => sharp(file).metadata()))
    expect([b!.width, b!.height, b!.hasAlpha]).toEqual([a!.width, a!.height, a!.hasAlpha])
  })

  it('a negative weight turns the gradient around', async () => {
    const image = await gradientImage(64, 64)
    const tree = await vector({ text: 'a tree' })
    const of = (weight: number) =>
      guide.guide(spec, { ...plain, image, gradient: true, prompts: [{ vector: tree, weight }] })
    const [to, from] = [await of(1), await of(-1)]
    expect(
      agreement(
        to.gradient!.map((g) => -g),
        from.gradient!,
      ).error,
    ).toBeLessThan(1e-4)
  })

  it('the heatmap points to the prompted one of two things', async () => {
    const things: [string, string][] = [
      ['crab', 'a crab'],
      ['airplane', 'an airplane'],
      ['broccoli', 'broccoli'],
      ['basketball', 'a basketball'],
      ['bear', 'a bear'],
      ['banjo', 'a banjo'],
      ['christmas-tree', 'a christmas tree'],
      ['black-heart', 'a black heart'],
    ]
    const edge = 128
    let right = 0
    let tried = 0
    for (const [i, [left, leftName]] of things.entries())
      for (const [right_, rightName] of things.slice(i + 1)) {
        const part = (name: string) =>
          sharp(path.join(samples, `fluent-emoji-flat-${name}.webp`))
            .resize(edge / 2, edge / 2)
            .png()
            .toBuffer()
        const image = await sharp({ create: { width: edge, height: edge, channels: 3, background: '#fff' } })
          .composite([
            { input: await part(left), left: 0, top: edge / 4 },
            { input: await part(right_), left: edge / 2, top: edge / 4 },
          ])
          .png()
          .toBuffer()
        for (const [name, side] of [
          [leftName, 0],
          [rightName, 1],
        ] as const) {
          const { heatmaps } = await ask(image, name, { heatmaps: [{ columns: 2, rows: 1, overlay: false }] })
          right += +(heatmaps[0]!.values[side]! > heatmaps[0]!.values[1 - side]!)
          tried++
        }
      }
    expect(right / tried).toBeGreaterThan(0.8)
  })

  it('a heatmap has the cells that were asked for, between 0 and 1, and an image', async () => {
    const image = await gradientImage(120, 60)
    const { heatmaps } = await ask(image, 'a wave', {
      cutouts: 2,
      heatmaps: [
        { columns: 6, rows: 3, overlay: true },
        { columns: null, rows: null, overlay: false },
      ],
    })
    const [asked, own] = heatmaps
    expect(asked!.values).toHaveLength(18)
    expect(Math.min(...asked!.values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...asked!.values)).toBe(1)
    const { width, height } = await sharp(asked!.overlay!).metadata()
    expect([width, height]).toEqual([120, 60])
    expect(own!.values).toHaveLength(own!.columns * own!.rows)
  })

  it('callers that guide at the same time share batches', async () => {
    const sizes: number[] = []
    const counted = new LocalGuide({
      resolve: ({ name }) => registry.get(name),
      cacheFolder,
      provider: 'cpu',
      onBatch: (_, size) => sizes.push(size),
    })
    const image = await gradientImage(80, 80)
    const tree = await vector({ text: 'a tree' })
    const one = (prompts: number) =>
      counted.guide(spec, {
        ...plain,
        image,
        gradient: true,
        prompts: new Array(prompts).fill({ vector: tree, weight: 1 }),
      })
    await one(1)
    const results = await Promise.all([1, 2, 3, 1, 2, 3, 1, 2].map(one))
    expect(Math.max(...sizes)).toBeGreaterThan(1)
    for (const { gradient } of results)
      expect(agreement(gradient!, results[0]!.gradient!).error).toBeLessThan(1e-4)
    await counted.close()
  })

  it('the guide refuses images with their code, and goes on', async () => {
    const huge = withSize(await gradientImage(4, 4), 20_000, 20_000)
    await expect(ask(huge, 'a tree', { gradient: true })).rejects.toMatchObject({ code: 'TOO_MANY_PIXELS' })
    await expect(ask(Buffer.from('no image'), 'a tree', { gradient: true })).rejects.toMatchObject({
      code: 'UNSUPPORTED_FORMAT',
    })
    const dot = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#888' } })
      .png()
      .toBuffer()
    const { gradient } = await ask(dot, 'a tree', { gradient: true })
    expect(gradient).toHaveLength(3)
    expect(gradient!.every(Number.isFinite)).toBe(true)
  })

  it('the guide stops for a caller that has gone', async () => {
    const gone = new AbortController()
    const image = await gradientImage(80, 80)
    const tree = await vector({ text: 'a tree' })
    const asked = guide.guide(
      spec,
      { ...plain, image, cutouts: 32, prompts: [{ vector: tree, weight: 1 }] },
      { signal: gone.signal },
    )
    gone.abort(new Error('gone'))
    await expect(asked).rejects.toThrow('gone')
  })
})
