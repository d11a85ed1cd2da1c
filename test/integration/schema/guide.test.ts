import { readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testImage, testImages } from '../../support/images.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let assets: string[]
beforeAll(async () => {
  server = await testServer()
  assets = await addImages(server, await testImages(12))
})
afterAll(() => server?.close())

const arguments_ =
  '$image: ImageInput!, $prompt: String, $prompts: [PromptInput!], $options: GuideOptions, $model: ID'
const given = 'image: $image, prompt: $prompt, prompts: $prompts, options: $options, model: $model'
const guide = (fields: string) => `query (${arguments_}) { guide(${given}) { ${fields} } }`
const base64 = (bytes: Uint8Array) => ({ base64: Buffer.from(bytes).toString('base64') })
const crab = base64(readFileSync(path.resolve('workers/ingest/samples/fluent-emoji-flat-crab.webp')))

function numbers(data: string, format: 'FLOAT16' | 'FLOAT32'): number[] {
  const bytes = new Uint8Array(Buffer.from(data, 'base64')).buffer
  return Array.from(format === 'FLOAT16' ? new Float16Array(bytes) : new Float32Array(bytes))
}

const length = (values: number[]) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0))

describe('guide', () => {
  it('guide gives the loss and its terms, with the similarities that rank gives', async () => {
    const prompts = [
      { text: 'a crab', weight: 1 },
      { text: 'a house', weight: -0.5 },
    ]
    const { data } = await server.query(
      guide('loss terms { promptIndex weight similarity loss } model { id canGuide }'),
      {
        image: crab,
        prompts,
      },
    )
    const rank =
      'query ($prompts: [PromptInput!], $c: [ConceptInput!]!) { rank(prompts: $prompts, candidates: $c) { items { similarities } } }'
    const ranked = await server.query(rank, { prompts, c: [crab] })
    const { loss, terms, model } = data.guide
    expect(model.canGuide).toBe(true)
    terms.forEach((term: any, i: number) => {
      expect(term.promptIndex).toBe(i)
      expect(term.weight).toBe(prompts[i]!.weight)
      expect(term.similarity).toBeCloseTo(ranked.data.rank.items[0].similarities[i], 5)
      expect(term.loss).toBeCloseTo(Math.acos(term.similarity) ** 2 / 2, 5)
    })
    expect(loss).toBeCloseTo((terms[0].loss - 0.5 * terms[1].loss) / 1.5, 5)
  })

  it('guide gives all of its fields in one query', async () => {
    const { data } = await server.query(
      guide(`loss terms { similarity }
        half: gradient { width height channels data l2 }
        full: gradient(format: FLOAT32) { data l2 }
        unit: gradient(format: FLOAT32, normalise: true) { data l2 }
        heatmap(columns: 5, rows: 4) { columns rows values png { mimeType width height base64 } }
        step(rate: 0.05) { mimeType width height base64 }`),
      { image: crab, prompt: 'a blue bird' },
    )
    const { half, full, unit, heatmap, step, loss } = data.guide
    expect(half.channels).toBe(3)
    const exact = numbers(full.data, 'FLOAT32')
    expect(exact).toHaveLength(half.width * half.height * 3)
    expect(full.l2).toBeCloseTo(length(exact), 6)
    const near = numbers(half.data, 'FLOAT16')
    expect(length(near.map((v, i) => v - exact[i]!)) / full.l2).toBeLessThan(5e-3)
    const units = numbers(unit.data, 'FLOAT32')
    expect(length(units) / Math.sqrt(units.length)).toBeCloseTo(1, 4)
    expect(unit.l2).toBe(full.l2)
    expect(heatmap.values).toHaveLength(20)
    expect((await sharp(Buffer.from(heatmap.png.base64, 'base64')).metadata()).format).toBe('png')
    const stepped = await server.query(guide('loss'), {
      image: { base64: step.base64 },
      prompt: 'a blue bird',
    })
    expect(stepped.data.guide.loss).toBeLessThan(loss)
  })

  it('a heatmap of what the image does not show stays dark, and one of what it shows does not', async () => {
    const ask = async (image: object, given: object) =>
      (await server.query(guide('terms { present } heatmap { present values }'), { image, ...given })).data
        .guide
    const crabs = await ask(crab, { prompt: 'crab' })
    expect(crabs.terms[0].present).toBeGreaterThan(0.9)
    expect(crabs.heatmap.present).toBe(crabs.terms[0].present)
    expect(Math.max(...crabs.heatmap.values)).toBeCloseTo(crabs.heatmap.present, 5)
    const bananas = await ask(crab, { prompt: 'banana' })
    expect(bananas.heatmap.present).toBeLessThan(0.2)
    expect(Math.max(...bananas.heatmap.values)).toBeLessThan(0.2)
    const both = await ask(crab, {
      prompts: [{ text: 'banana' }, { text: 'crab' }, { text: 'sea', weight: -1 }],
    })
    expect(both.terms.map(({ present }: any) => present > 0.5)).toEqual([false, true, expect.anything()])
    expect(both.heatmap.present).toBe(both.terms[1].present)
    const byImage = await ask(crab, { prompts: [{ ...crab }, { text: 'crab' }] })
    expect(byImage.terms[0].present).toBeNull()
    expect(byImage.heatmap.present).toBeNull()
    expect(Math.max(...byImage.heatmap.values)).toBe(1)
  })

  it('an image that is steered by hand in a loop comes to fit its prompt', async () => {
    let image = base64(await testImage({ disc: 'grey' }))
    const similarity = async () =>
      (await server.query(guide('terms { similarity }'), { image, prompt: 'red heart' })).data.guide.terms[0]
        .similarity
    const before = await similarity()
    for (let seed = 0; seed < 12; seed++) {
      const options = { cutouts: 4, seed }
      const { data } = await server.query(guide('step(rate: 0.04) { base64 }'), {
        image,
        prompt: 'red heart',
        options,
      })
      image = { base64: data.guide.step.base64 }
    }
    expect(await similarity()).toBeGreaterThan(before + 0.1)
  })

  it('guide takes library images, as the image and as prompts', async () => {
    const { data } = await server.query(guide('terms { similarity }'), {
      image: { assetId: assets[0] },
      prompts: [{ assetId: assets[0] }, { assetId: assets[1] }],
    })
    const [same, other] = data.guide.terms
    expect(same.similarity).toBeCloseTo(1, 3)
    expect(other.similarity).toBeLessThan(0.9999)
  })

  it.each([
    ['weights that sum to 0', { prompts: [{ text: 'a', weight: 0 }] }, /weights.*sum to 0/],
    ['an empty prompt', { prompt: '  ' }, /^prompt: The text is empty/],
    ['no prompt', {}, /^Give prompt/],
    ['too many cutouts', { prompt: 'a', options: { cutouts: 1000 } }, /0 to 128/],
    ['very many cutouts', { prompt: 'a', options: { cutouts: 100_000 } }, /cutouts is 100000; 0 to 128/],
    ['negative cutouts', { prompt: 'a', options: { cutouts: -1 } }, /0 to 128/],
    ['an unknown model', { prompt: 'a', model: 'none' }, /no model "none"/],
    ['no image', { prompt: 'a', image: base64(Buffer.from('text')) }, /not an image/],
    ['an unknown asset', { prompt: 'a', image: { assetId: 'asset_none' } }, /no asset/],
  ])('guide refuses %s', async (_, variables, message) => {
    const answer = await server.query(guide('loss gradient { l2 }'), { image: crab, ...variables })
    expect(answer.data).toEqual({ guide: null })
    expect(answer.message).toMatch(message)
    expect(['BAD_USER_INPUT', 'MODEL_NOT_FOUND']).toContain(answer.code)
  })

  it.each([
    ['step(rate: 0) { width }', /above 0/],
    ['step(rate: 2) { width }', /at most 1/],
    ['heatmap(columns: 0) { rows }', /1 to 256/],
    ['heatmap(rows: 10000) { rows }', /1 to 256/],
  ])('guide refuses %s alone and answers the rest', async (field, message) => {
    const answer = await server.query(guide(`loss ${field}`), { image: crab, prompt: 'a' })
    expect(answer).toMatchObject({ code: 'BAD_USER_INPUT', status: 200 })
    expect(answer.message).toMatch(message)
    expect(answer.data.guide.loss).toBeGreaterThan(0)
  })

  it('weights that are not numbers are refused before they arrive', async () => {
    const body = `{"query":${JSON.stringify(guide('loss'))},"variables":{"image":${JSON.stringify(crab)},"prompts":[{"text":"a","weight":NaN}]}}`
    const response = await server.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(response.status).toBe(400)
  })
})

describe('direction', () => {
  const direction = `query ($from: [PromptInput!]!, $to: [PromptInput!]!, $templates: [String!]) {
    direction(from: $from, to: $to, templates: $templates) { model { id } vector strength } }`
  const texts = (...all: string[]) => all.map((text) => ({ text }))

  it('a direction leads from one idea to another', async () => {
    const { data } = await server.query(direction, {
      from: texts('blue', 'a blue image'),
      to: texts('red', 'a red image'),
    })
    expect(data.direction.strength).toBeGreaterThan(0.01)
    const rank =
      'query ($p: [PromptInput!], $c: [ConceptInput!]!) { rank(prompts: $p, candidates: $c) { items { text score } } }'
    const ranked = await server.query(rank, {
      p: [{ vector: data.direction.vector }],
      c: [{ text: 'a blue circle' }, { text: 'a red circle' }],
    })
    expect(ranked.data.rank.items[0]).toMatchObject({ text: 'a red circle' })
    const search = 'query ($p: [PromptInput!]) { search(prompts: $p, first: 3) { edges { score } } }'
    const found = await server.query(search, {
      p: [{ assetId: assets[0] }, { vector: data.direction.vector, weight: 0.5 }],
    })
    expect(found.data.search.edges).toHaveLength(3)
  })

  it('a direction turns around when its ends are swapped', async () => {
    const [a, b] = [texts('day'), texts('night')]
    const [there, back] = await Promise.all([
      server.query(direction, { from: a, to: b }),
      server.query(direction, { from: b, to: a }),
    ])
    const [x, y] = [there, back].map(({ data }) => numbers(data.direction.vector, 'FLOAT32'))
    expect(x!.reduce((sum, v, i) => sum + v * y![i]!, 0)).toBeCloseTo(-1, 4)
  })

  it.each([
    ['the same on both sides', { from: texts('a'), to: texts('a') }, /no direction/],
    ['an empty side', { from: [], to: texts('a') }, /^from is empty/],
    [
      'an unknown asset',
      { from: texts('a'), to: [...texts('b'), { assetId: 'asset_zz' }] },
      /^to\[1\]: There is no asset "asset_zz"/,
    ],
    [
      'an empty text',
      { from: texts('a', ' '), to: texts('b'), templates: ['of {}'] },
      /^from\[1\]: .* empty/,
    ],
    [
      'a long text',
      { from: texts('a'.repeat(10_001)), to: texts('b') },
      /^from\[0\]: .*has 10001 characters/,
    ],
    [
      'a text made long',
      { from: texts('a'), to: texts('b'.repeat(10_000)), templates: ['{}', '{}'.repeat(100)] },
      /^templates\[1\] makes 10198 characters of to\[0\]/,
    ],
    [
      'weights of 0',
      { from: texts('a'), to: [{ ...texts('b')[0], weight: 0 }] },
      /^The \|weights\| of to sum to 0/,
    ],
    ['a template without a place', { from: texts('a'), to: texts('b'), templates: ['x'] }, /no \{\}/],
  ])('direction refuses %s', async (_, variables, message) => {
    const answer = await server.query(direction, variables)
    expect(answer.code).toBe('BAD_USER_INPUT')
    expect(answer.message).toMatch(message)
  })
})
