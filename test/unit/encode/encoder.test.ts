import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import {
  DeadlineExceeded,
  ItemError,
  ModelFolderError,
  ModelNotFound,
  Overloaded,
} from '../../../workers/errors.ts'
import { silent } from '../../../workers/log.ts'
import { openEncoder, type TestEncoder, type TestEncoderOptions, vectors } from '../../support/encoders.ts'
import { testImage, testImages } from '../../support/images.ts'
import type { TinyModel } from '../../support/tiny-model.ts'

let encoder: TestEncoder | undefined
async function open(options: TestEncoderOptions = {}): Promise<TestEncoder> {
  encoder = await openEncoder(options)
  return encoder
}
afterEach(() => encoder?.close())

const texts = (count: number, word = 'text') =>
  Array.from({ length: count }, (_, n) => ({ text: `${word} ${n}` }))

describe('batching', () => {
  it('inputs of many concurrent callers share batches', async () => {
    const encoder = await open()
    await encoder.ready()
    encoder.batches.length = 0
    await Promise.all(texts(64).map((input) => encoder.encode([input])))
    const sizes = encoder.batches.map(({ size }) => size)
    expect(sizes.reduce((sum, size) => sum + size)).toBe(64)
    expect(64 / sizes.length).toBeGreaterThan(1)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16)
  })

  it('interactive work goes before bulk work that came earlier', async () => {
    const encoder = await open({ maxBatch: 1 })
    const order: string[] = []
    const request = async (name: string, count: number, priority: 'bulk' | 'interactive') => {
      await encoder.encode(texts(count, name), { priority })
      order.push(name)
    }
    await Promise.all([request('bulk', 40, 'bulk'), request('interactive', 1, 'interactive')])
    expect(order).toEqual(['interactive', 'bulk'])
  })
})

describe('admission', () => {
  it('a full queue refuses calls at once, and the encoder works on afterwards', async () => {
    const encoder = await open({ queueLimit: 8 })
    // The model is not loaded yet: no work ends between admissions.
    const outcomes = await Promise.allSettled(texts(200).map((input) => encoder.encode([input])))
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(refused).toHaveLength(192)
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(Overloaded)
      expect(reason.retryAfterMs).toBeGreaterThan(0)
    }
    expect(encoder.stats().waiting).toBe(0)
    vectors(await encoder.encode(texts(8, 'again')))
  })

  it('an empty queue takes a call larger than itself', async () => {
    const encoder = await open({ queueLimit: 8 })
    expect(vectors(await encoder.encode(texts(50)))).toHaveLength(50)
  })

  it('a full queue answers inputs that are cached or in flight', async () => {
    const encoder = await open({ queueLimit: 1 })
    await encoder.encode([{ text: 'known' }])
    const running = encoder.encode(texts(20, 'fills'))
    vectors(await encoder.encode([{ text: 'known' }, { text: 'fills 3' }]))
    await running
  })
})

describe('abandoned work', () => {
  it('the work of an aborted call is dropped', async () => {
    const encoder = await open({ maxBatch: 4 })
    await encoder.ready()
    const before = encoder.stats().encoded
    const caller = new AbortController()
    const abandoned = encoder.encode(texts(200), { signal: caller.signal })
    caller.abort(new Error('the caller left'))
    await expect(abandoned).rejects.toThrow('the caller left')
    expect(encoder.stats().waiting).toBe(0)
    await encoder.encode([{ text: 'after' }])
    expect(encoder.stats().encoded - before).toBeLessThan(20)
  })

  it('the work of a call past its deadline is dropped, also while the model loads', async () => {
    const encoder = await open()
    const inputs = (await testImages(20)).map((image) => ({ image }))
    await expect(encoder.encode(inputs, { deadlineMs: 1 })).rejects.toThrow(DeadlineExceeded)
    expect(encoder.stats().waiting).toBe(0)
    await encoder.ready()
    expect(encoder.batches.reduce((sum, { size }) => sum + size, 0)).toBe(2)
  })

  it('a call whose signal has fired before begins no work', async () => {
    const encoder = await open()
    await expect(encoder.encode(texts(1), { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow(
      'early',
    )
    expect(encoder.stats().cacheMisses).toBe(0)
  })
})

describe('identical work', () => {
  it('identical inputs are encoded once, within a call, between calls and later', async () => {
    const encoder = await open()
    const image = await testImage()
    const [a, b] = await Promise.all([
      encoder.encode([{ image }, { image }]),
      encoder.encode([{ image: new Uint8Array(image) }]),
    ])
    const [later] = await encoder.encode([{ image }])
    expect(new Set(vectors([...a, ...b, later!])).size).toBe(1)
    expect(encoder.stats()).toMatchObject({ encoded: 1, cacheMisses: 1, cacheHits: 1 })
  })

  it('shared work goes on for the other callers when one leaves', async () => {
    const encoder = await open()
    const caller = new AbortController()
    const left = encoder.encode([{ text: 'shared' }], { signal: caller.signal })
    const stays = encoder.encode([{ text: 'shared' }])
    caller.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    expect(vectors(await stays)).toHaveLength(1)
  })

  it('a text and an image of the same bytes, and two models, have different vectors', async () => {
    const encoder = await open({ models: { other: {} } })
    const text =
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="4"/></svg>'
    const results = vectors([
      ...(await encoder.encode([{ text }, { image: Buffer.from(text) }])),
      ...(await encoder.encode([{ text }], { model: 'other' })),
    ])
    expect(new Set(results.map(String)).size).toBe(3)
  })
})

describe('bad inputs', () => {
  it('a bad input is an error in its place, and the others have vectors', async () => {
    const encoder = await open()
    const good = await testImage()
    const results = await encoder.encode([
      { image: good },
      { image: good.subarray(0, good.length >> 1) },
      { text: 'good' },
      { image: Buffer.from('no image at all') },
      { image: Buffer.alloc(0) },
    ])
    expect(results.map((result) => (result instanceof ItemError ? result.code : 'vector'))).toEqual([
      'vector',
      'UNREADABLE_IMAGE',
      'vector',
      'UNSUPPORTED_FORMAT',
      'EMPTY',
    ])
  })

  it('an input that makes the model fail is an error, and the rest of its batch has vectors', async () => {
    const encoder = await open({ models: { frail: { poisonedByWhite: true } }, defaultModel: 'frail' })
    const white = await testImage({ disc: 'white', ground: 'white' })
    const others = (await testImages(11)).map((image) => ({ image }))
    const results = await encoder.encode([...others.slice(0, 7), { image: white }, ...others.slice(7)])
    expect(results[7]).toBeInstanceOf(ItemError)
    expect((results[7] as ItemError).message).not.toContain('Gather')
    expect(vectors(results.toSpliced(7, 1))).toHaveLength(11)
  })
})

describe('models', () => {
  it('concurrent first calls load each model once, and idle models are unloaded', async () => {
    const lines: string[] = []
    const note = (fields: object, message: string) =>
      lines.push(`${(fields as { model: string }).model} ${message}`)
    const log = { ...silent, info: note }
    const encoder = await open({ models: { a: {}, b: {} }, idleMs: 100, log })
    expect((await encoder.list()).filter(({ loaded }) => loaded)).toEqual([])
    await Promise.all(['a', 'b', 'a', null].map((model, n) => encoder.encode(texts(1, `w${n}`), { model })))
    const logged = (message: string) => lines.filter((line) => line.endsWith(`model ${message}`)).sort()
    expect(logged('loaded')).toHaveLength(3)
    await expect
      .poll(() => logged('unloaded: idle'), { timeout: 10_000 })
      .toEqual(['a model unloaded: idle', 'b model unloaded: idle'])
    expect((await encoder.get()).loaded).toBe(true)
    expect((await encoder.get('a')).loaded).toBe(false)
    vectors(await encoder.encode(texts(1, 'again'), { model: 'a' }))
  })

  it('a request for a model that does not exist is ModelNotFound', async () => {
    const encoder = await open()
    await expect(encoder.encode(texts(1), { model: 'nowhere' })).rejects.toThrow(ModelNotFound)
  })

  it.each<[string, TinyModel, RegExp]>([
    [
      'tokenizer file is unusable',
      { tokenizer: { model: { type: 'Odd', vocab: { '[PAD]': 0 } } } },
      /"bad".*tokenizer\.json with .* makes no tokenizer: /,
    ],
    ['graphs contradict its config', { saysDimensions: 7 }, /"bad".*7 dimensions, \w+_model\.onnx gives 6/],
  ])(
    'a model whose %s is an error that names the file, and leaves no thread behind',
    async (_, model, message) => {
      const encoder = await open({ models: { bad: model } })
      const workers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length
      await encoder.encode([{ text: 'the good one' }])
      const before = workers()
      const failure = encoder.encode(texts(1), { model: 'bad' })
      await expect(failure).rejects.toThrow(ModelFolderError)
      await expect(failure).rejects.toThrow(message)
      expect(workers()).toBe(before)
    },
  )

  it('a model that did not load is tried again only after a while, and its error is known meanwhile', async () => {
    const retryMs = 1500
    const encoder = await open({ models: { bad: { saysDimensions: 7 } }, retryMs })
    const { card: spec } = await encoder.get('bad')
    const workers: unknown[] = []
    const count = (worker: unknown) => workers.push(worker)
    process.on('worker', count)
    try {
      expect(await encoder.failure(spec)).toBeNull()
      const request = () => expect(encoder.encode(texts(1), { model: 'bad' })).rejects.toThrow('7 dimensions')
      await request()
      const firstTry = workers.length
      expect(firstTry).toBeGreaterThan(0)
      await request()
      expect(workers).toHaveLength(firstTry)
      expect(await encoder.failure(spec)).toMatch(/7 dimensions/)
      await sleep(retryMs)
      await request()
      expect(workers.length).toBeGreaterThan(firstTry)
    } finally {
      process.off('worker', count)
    }
  })

  it('a configured provider that does not work here is an error, and no other takes its place', async () => {
    const encoder = await open({ provider: process.platform === 'linux' ? 'coreml' : 'cuda' })
    await expect(encoder.encode(texts(1))).rejects.toThrow(/provider (coreml|cuda)/)
    await expect(encoder.ready()).rejects.toThrow(/provider/)
  })
})

it('closing the encoder ends work in flight with an error', async () => {
  const encoder = await open()
  const work = encoder.encode([...texts(50), ...(await testImages(30)).map((image) => ({ image }))])
  const ended = expect(work).rejects.toThrow('closed')
  await encoder.close()
  await ended
})
