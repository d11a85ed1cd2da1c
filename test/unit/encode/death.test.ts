/** Threads that end while they work. */
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ItemError } from '../../../workers/errors.ts'
import { openEncoder, type TestEncoder, vectors } from '../../support/encoders.ts'
import { testImages } from '../../support/images.ts'

let encoder: TestEncoder
let threads: Worker[]
const remember = (worker: Worker) => threads.push(worker)

beforeEach(async () => {
  threads = []
  process.on('worker', remember)
  encoder = await openEncoder()
})
afterEach(async () => {
  for (const listener of [remember, kill, killWhenReady]) process.off('worker', listener)
  await encoder.close()
})

/** The threads throw on a message without content, which ends them. */
const kill = (worker: Worker) => worker.postMessage(null)
/** A session's thread: its first message says that it is loaded, and its first input is on its way then. */
const killWhenReady = (worker: Worker) => worker.once('message', () => kill(worker))

const texts = (count: number, word: string) =>
  Array.from({ length: count }, (_, n) => ({ text: `${word} ${n}` }))

it('the encoder replaces a session thread that dies and does the work that waits', async () => {
  await encoder.ready()
  const sessions = threads.slice(0, 2)
  const before = threads.length
  const work = encoder.encode(texts(100, 'waits'))
  setImmediate(() => sessions.forEach(kill))
  expect(vectors(await work)).toHaveLength(100)
  await encoder.ready()
  expect(threads.length).toBe(before + 2)
})

it('an input whose session thread dies again and again is given up by itself, and later work has new tries', async () => {
  await encoder.ready()
  process.on('worker', killWhenReady)
  threads.forEach(kill)
  for (const result of await encoder.encode(texts(3, 'dies'))) {
    expect(result).toBeInstanceOf(ItemError)
    expect((result as ItemError).message).toMatch(/thread ended 3 times while it encoded this input/)
  }
  process.off('worker', killWhenReady)
  expect(encoder.stats().waiting).toBe(0)
  expect(vectors(await encoder.encode(texts(3, 'lives')))).toHaveLength(3)
})

it('the encoder replaces a decoding thread that dies, which costs no image', async () => {
  await encoder.ready()
  const images = (await testImages(40)).map((image) => ({ image }))
  threads.slice(2).forEach(kill)
  expect(vectors(await encoder.encode(images))).toHaveLength(40)
  expect(encoder.stats().waiting).toBe(0)
})

it('an image whose decoding thread dies again and again is given up by itself', async () => {
  await encoder.ready()
  const [image, later] = await testImages(2)
  // The session's threads are there already.
  process.on('worker', kill)
  threads.slice(2).forEach(kill)
  const [vector, refusal] = await encoder.encode([{ text: 'an icon' }, { image: image! }])
  expect(vectors([vector!])).toHaveLength(1)
  expect(refusal).toMatchObject({
    code: 'INVALID',
    message: '3 threads ended while they decoded this image; save it anew, as PNG or JPEG.',
  })
  process.off('worker', kill)
  expect(vectors(await encoder.encode([{ image: later! }]))).toHaveLength(1)
})
