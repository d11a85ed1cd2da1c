import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testImage, testImages } from '../../support/images.ts'
import { addImages, modelTwin, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let assets: string[]
beforeAll(async () => {
  server = await testServer(
    {},
    {
      prepare: (home) =>
        modelTwin(home, 'sigmoid-twin', { model_type: 'siglip', logit_scale: 2, logit_bias: -3 }),
    },
  )
  assets = await addImages(server, await testImages(40))
})
afterAll(() => server?.close())

const rank = `query ($prompt: String, $prompts: [PromptInput!], $candidates: [ConceptInput!]!, $model: ID) {
  rank(prompt: $prompt, prompts: $prompts, candidates: $candidates, model: $model) {
    model { id }
    items { index score similarities probability text asset { id } }
    errors { index code }
  }
}`
const texts = (...all: string[]) => all.map((text) => ({ text }))

describe('rank', () => {
  it('rank orders texts by an image and images by a text', async () => {
    const [red, blue] = await Promise.all([testImage({ disc: 'red' }), testImage({ disc: 'blue' })])
    const image = (bytes: Buffer) => ({ base64: bytes.toString('base64') })
    const byText = await server.query(rank, { prompt: 'red circle', candidates: [image(blue), image(red)] })
    expect(byText.data.rank.items.map((i: any) => i.index)).toHaveLength(2)
    const byImage = await server.query(rank, {
      prompts: [image(red)],
      candidates: [...texts('a red circle', 'a grey cat'), image(red)],
    })
    const { items } = byImage.data.rank
    expect(items[0]).toMatchObject({ index: 2, text: null })
    expect(items[0].score).toBeCloseTo(1, 4)
    expect(items[1].text).toBe('a red circle')
  })

  it('a score is the weighted mean of cosines, negative weights pushing away', async () => {
    const { data } = await server.query(rank, {
      prompts: [
        { text: 'sun', weight: 2 },
        { text: 'rain', weight: -0.5 },
      ],
      candidates: texts('sun', 'rain', 'snow'),
    })
    const { items } = data.rank
    for (const { score, similarities } of items)
      expect(score).toBeCloseTo((2 * similarities[0] - 0.5 * similarities[1]) / 2.5, 6)
    expect(items[0].text).toBe('sun')
    expect(items.map((i: any) => i.score)).toEqual(
      items.map((i: any) => i.score).toSorted((a: number, b: number) => b - a),
    )
  })

  it('prompt and prompts add up, the words first', async () => {
    const candidates = texts('sun', 'rain', 'snow')
    const both = await server.query(rank, {
      prompt: 'sun',
      prompts: { text: 'rain', weight: -0.5 },
      candidates,
    })
    const list = await server.query(rank, {
      prompts: [{ text: 'sun' }, { text: 'rain', weight: -0.5 }],
      candidates,
    })
    expect(both.data.rank).toEqual(list.data.rank)
    expect(both.data.rank.items[0].similarities).toHaveLength(2)
  })

  it('equal candidates stay in the order of the request', async () => {
    const { data } = await server.query(rank, {
      prompt: 'star',
      candidates: texts('moon', 'moon', 'moon', 'moon'),
    })
    expect(data.rank.items.map((i: any) => i.index)).toEqual([0, 1, 2, 3])
  })

  it('the probabilities of a CLIP are a softmax with its logit scale', async () => {
    const { card: spec } = await server.app.services.catalogue.get()
    expect(spec.head.kind).toBe('softmax')
    const { data } = await server.query(rank, { prompt: 'bird', candidates: texts('bird', 'car', 'tree') })
    const { items } = data.rank
    const e = items.map((i: any) => Math.exp(spec.head.scale * i.score))
    const sum = e.reduce((a: number, b: number) => a + b)
    items.forEach((item: any, n: number) => {
      expect(item.probability).toBeCloseTo(e[n] / sum, 6)
    })
  })

  it('the probabilities of a SigLIP are sigmoids with its scale and bias', async () => {
    const { card: spec } = await server.app.services.catalogue.get('sigmoid-twin')
    if (spec.head.kind !== 'sigmoid') throw new Error(`the twin's head is ${spec.head.kind}`)
    const { scale, bias } = spec.head
    const { data } = await server.query(rank, {
      prompt: 'bird',
      candidates: texts('bird', 'car'),
      model: 'sigmoid-twin',
    })
    expect(data.rank.model.id).toBe('sigmoid-twin')
    for (const { score, probability } of data.rank.items)
      expect(probability).toBeCloseTo(1 / (1 + Math.exp(-(scale * score + bias))), 6)
  })

  it('stored candidates are not encoded again', async () => {
    const { encoder } = server.app.services
    const candidates = Array.from({ length: 256 }, (_, n) => ({ assetId: assets[n % assets.length] }))
    const prompts = Array.from({ length: 16 }, (_, n) => ({
      text: `prompt number ${n}`,
      weight: n - 8.5,
    }))
    const before = encoder.stats().encoded
    const { data } = await server.query(rank, { prompts, candidates })
    expect(data.rank.items).toHaveLength(256)
    expect(data.rank.items[0].similarities).toHaveLength(16)
    expect(data.rank.items[0].asset.id).toBe(assets[data.rank.items[0].index % assets.length])
    expect(encoder.stats().encoded - before).toBe(16)
  })

  it('rank lists candidates that cannot be read, by their index', async () => {
    const { data } = await server.query(rank, {
      prompt: 'cat',
      candidates: [{ assetId: 'asset_none' }, { text: 'cat' }, { text: '' }],
    })
    expect(data.rank.items.map((i: any) => i.index)).toEqual([1])
    expect(data.rank.errors).toEqual([
      { index: 0, code: 'NOT_FOUND' },
      { index: 2, code: 'EMPTY' },
    ])
  })

  it.each([
    ['no prompt', {}, /^Give prompt, some words, or prompts/],
    ['an empty list', { prompts: [] }, /at least one/],
    [
      'an empty prompt of a list',
      { prompts: [{}] },
      /^prompts\[0\] is empty\. Give exactly one of text, assetId/,
    ],
    [
      'a prompt that is given twice',
      { prompts: [{ text: 'a', assetId: 'asset_b' }] },
      /^prompts\[0\] gives assetId and text\. Give exactly one/,
    ],
    ['weights that are all zero', { prompts: [{ text: 'a', weight: 0 }] }, /sum to 0/],
    ['a prompt that cannot be read', { prompts: [{ text: 'a' }, { text: ' ' }] }, /prompts\[1\]/],
    ['an empty prompt', { prompt: '' }, /^prompt: The text is empty/],
    ['an unknown asset as prompt', { prompts: [{ assetId: 'asset_none' }] }, /asset_none/],
    ['too many prompts', { prompts: Array.from({ length: 65 }, () => ({ text: 'a' })) }, /65.*64/],
  ])('rank refuses %s', async (_name, prompts, message) => {
    const answer = await server.query(rank, { ...prompts, candidates: texts('a') })
    expect(answer).toMatchObject({ status: 200, code: 'BAD_USER_INPUT' })
    expect(answer.message).toMatch(message)
  })

  it('rank refuses weights that are not finite', async () => {
    const answer = await server.query(
      '{ rank(prompts: [{ text: "a", weight: 1e999 }], candidates: []) { items { index } } }',
    )
    expect(answer.code).toBe('BAD_USER_INPUT')
  })

  it('rank refuses too many candidates', async () => {
    const answer = await server.query(
      'query ($c: [ConceptInput!]!) { rank(prompt: "a", candidates: $c) { items { index } } }',
      {
        c: Array.from({ length: 1025 }, () => ({ text: 'a' })),
      },
    )
    expect(answer).toMatchObject({
      status: 200,
      code: 'BAD_USER_INPUT',
      message: expect.stringMatching(/1025.*1024/),
    })
  })
})
