/** The bundled model's relevance as it ships, on images of the sample library. */
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LocalEncoder } from '../../../workers/encode/local-encoder.ts'
import { ItemError } from '../../../workers/errors.ts'
import { bundledModel } from '../../../workers/registry/bundled.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import type { Fit } from '../../../workers/relevance/fit.ts'
import type { RelevanceJudge } from '../../../workers/relevance/judge.ts'
import { makeFit } from '../../../workers/relevance/make.ts'
import { RelevanceFits } from '../../../workers/relevance/store.ts'
import { dot } from '../../../workers/similarity/vectors.ts'

const cacheFolder = path.join(tmpdir(), 'limn-relevance-cache')
const samples = path.resolve('workers/ingest/samples')
const registry = new ModelRegistry({
  bundledFolder: path.resolve('workers/models'),
  homeFolder: path.join(cacheFolder, 'none'),
  cacheFolder,
  defaultModel: bundledModel,
})
const encoder = new LocalEncoder({ registry, cacheFolder, provider: 'cpu' })
let judge: RelevanceJudge
/** Of the sample library's first images and of those that the tests name. */
const library: { file: string; vector: Float32Array }[] = []

async function vectors(inputs: Parameters<LocalEncoder['encode']>[0]): Promise<Float32Array[]> {
  return (await encoder.encode(inputs)).map((one) => {
    if (one instanceof ItemError) throw one
    return one.vector
  })
}

const promptOf = async (text: string, weight = 1) => {
  const [vector] = await vectors([{ text }])
  return { vector: vector!, text, weight, modality: 'TEXT' as const }
}

async function searched(text: string, words: number | null = null) {
  const prompt = await promptOf(text)
  const hits = library
    .map(({ vector }) => ({ cosine: dot(vector, prompt.vector), words, exactName: false }))
    .sort((a, b) => b.cosine - a.cosine)
    .slice(0, 10)
  return judge.judge([prompt], hits)!
}

async function presentIn(file: string, text: string): Promise<number> {
  const { vector } = library.find((one) => one.file === file)!
  const prompt = await promptOf(text)
  return judge.present(prompt, dot(vector, prompt.vector))!
}

beforeAll(async () => {
  judge = (await new RelevanceFits(cacheFolder).of(await registry.get()))!
  const manifest: { file: string }[] = JSON.parse(readFileSync(path.join(samples, 'manifest.json'), 'utf8'))
  const files = manifest.map(({ file }) => file)
  for (let from = 0; from < files.length; from += 128) {
    const some = files.slice(from, from + 128)
    const found = await vectors(some.map((file) => ({ image: readFileSync(path.join(samples, file)) })))
    library.push(...found.map((vector, n) => ({ file: some[n]!, vector })))
  }
})
afterAll(() => encoder.close())

describe('relevance of the bundled model', () => {
  it.each(['banana', 'red heart', 'music', 'birthday party', 'giraffe'])(
    'the library holds a match for "%s"',
    async (text) => {
      const { found, noMatch, edges } = await searched(text)
      expect(noMatch).toBe(false)
      expect(found).toBeGreaterThan(0.7)
      expect(edges[0]!.band).not.toBe('WEAK')
    },
  )

  it.each(['qwertz zxcvb', 'asdf', 'Kubernetes', 'the'])('it holds none for "%s"', async (text) => {
    const { found, noMatch, edges } = await searched(text)
    expect(noMatch).toBe(true)
    expect(found).toBeLessThan(0.2)
    expect(edges.every((edge) => edge?.band === 'WEAK')).toBe(true)
  })

  it('a hit counts the more, the higher its cosine, the more of the words it has, and most when it is called so', async () => {
    const prompt = await promptOf('red heart')
    const relevance = (cosine: number, words: number | null, exactName = false) =>
      judge.judge([prompt], [{ cosine, words, exactName }])!.edges[0]!.relevance
    for (let cosine = -1; cosine < 0.99; cosine += 0.01)
      expect(relevance(cosine + 0.01, null)).toBeGreaterThanOrEqual(relevance(cosine, null))
    expect(relevance(0.3, 0)).toBeLessThan(relevance(0.3, null))
    for (let words = 0; words < 0.99; words += 0.1)
      expect(relevance(0.3, words + 0.1)).toBeGreaterThan(relevance(0.3, words))
    expect(relevance(0.3, 1, true)).toBeGreaterThan(relevance(0.3, 1))
    expect(relevance(0.1, 1, true)).toBeGreaterThan(0.5)
  })

  it('says nothing of images and vectors as prompts, of several prompts, and of one that repels', async () => {
    const prompt = await promptOf('cat')
    const hits = [{ cosine: 0.4, words: null, exactName: false }]
    expect(judge.judge([{ ...prompt, modality: 'IMAGE', text: undefined }], hits)).toBeNull()
    expect(judge.judge([{ ...prompt, text: undefined }], hits)).toBeNull()
    expect(judge.judge([prompt, await promptOf('dog')], hits)).toBeNull()
    expect(judge.judge([{ ...prompt, weight: -1 }], hits)).toBeNull()
    expect(judge.present({ ...prompt, modality: 'IMAGE' }, 0.4)).toBeNull()
  })

  it('without a hit there is no match', async () => {
    expect(judge.judge([await promptOf('cat')], [])).toEqual({ edges: [], found: 0, noMatch: true })
  })

  it('what is in an image is present, and what is not is not', async () => {
    const shown = {
      airplane: 'airplane',
      crab: 'crab',
      'red-heart': 'red heart',
      house: 'house',
      pizza: 'pizza',
    }
    const things = Object.entries(shown)
    for (const [file, text] of things) {
      const image = `fluent-emoji-flat-${file}.webp`
      expect(await presentIn(image, text)).toBeGreaterThan(0.9)
      for (const [other, stranger] of things)
        if (other !== file) expect(await presentIn(image, stranger)).toBeLessThan(0.5)
    }
    expect(await presentIn('fluent-emoji-flat-airplane.webp', 'banana')).toBeLessThan(0.2)
  })

  it('a fit made from the sample library alone says how good it is, and is good', async () => {
    const fit = (await makeFit(await registry.get(), (inputs) => encoder.encode(inputs))) as Fit
    expect(fit).not.toHaveProperty('refused')
    expect(fit.measured.auroc).toBeGreaterThan(0.85)
    expect(fit.measured.calibrationError).toBeLessThan(0.04)
    expect(fit.noMatchBelow.meaning).toBeGreaterThan(0)
    expect(JSON.parse(JSON.stringify(fit))).toEqual(fit)
  })
})
