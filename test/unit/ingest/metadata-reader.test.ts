/** Metadata that is read in a thread which may be ended. */
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MetadataReader } from '../../../workers/ingest/metadata/reader/reader.ts'

const svg = (inner: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><title>leaf</title>${inner}</svg>`)
const easy = svg('')
/** Seconds of work. */
const hard = svg('<a>b</a>'.repeat(9_000_000))
const leaf = { title: 'leaf', description: null, keywords: [], takenAt: null }
const nothing = { ...leaf, title: null }

let reader: MetadataReader
let threads: Worker[]
const remember = (worker: Worker) => threads.push(worker)
beforeEach(() => {
  threads = []
  process.on('worker', remember)
})
afterEach(async () => {
  process.off('worker', remember)
  await reader.close()
})

it('metadata that takes too long to read is left out, and that of the images around it is read', async () => {
  reader = new MetadataReader({ milliseconds: 1000 })
  const read = [easy, hard, easy].map((bytes) => reader.read(bytes, { format: 'svg' }))
  expect(await Promise.all(read)).toEqual([leaf, nothing, leaf])
  expect(threads).toHaveLength(2)
})

it('a thread that dies without work is replaced', async () => {
  reader = new MetadataReader()
  expect(await reader.read(easy, { format: 'svg' })).toEqual(leaf)
  const ended = new Promise((resolve) => threads[0]!.once('exit', resolve))
  threads[0]!.postMessage(null)
  await ended
  expect(await reader.read(easy, { format: 'svg' })).toEqual(leaf)
  expect(threads).toHaveLength(2)
})
