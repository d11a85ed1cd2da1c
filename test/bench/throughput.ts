/**
 * Pictures and texts a second with a CLIP of ViT-B/32's size: Limn through GraphQL beside ONNX Runtime alone and
 * transformers.js, in turns in one run, so that whatever else the machine does weighs on all alike.
 * `node test/bench/throughput.ts`
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { rawSession, transformers } from './peers.ts'
import { photos } from './photos.ts'
import { callers, inParallel, serve } from './served.ts'
import { benchTexts } from './tokenizer.ts'
import { vitFolder, vitName } from './vit.ts'

export const store = path.resolve('node_modules/.cache/limn-bench')
const rawBatches = [1, 2, 4, 8, 16, 32]
const handBatches = [8, 16]

export interface ThroughputResult {
  /** Items a second. */
  pictures: { raw: number; limn: number; single: number; batched: number; meanBatch: number }
  texts: { limn: number; padded: number; batched: number; meanBatch: number }
  /** Resident megabytes: after loading, and at the end. */
  memory: { loaded: number; end: number; database: number }
}

export async function throughputBench({
  pictures = 256,
  texts = 512,
  rounds = 4,
  log = (line: string) => console.log(line),
} = {}): Promise<ThroughputResult> {
  const folder = vitFolder(path.join(store, 'models'))
  const files = await storedPhotos(pictures + callers)
  const root = path.dirname(folder)
  const served = await serve(root, vitName)
  try {
    const loaded = served.memory()
    log(`server after loading ${mb(loaded.server)}, its database ${mb(loaded.children)}`)
    const raw = await rawSession(folder)
    const peer = await transformers(root, vitName)
    const warm = files.splice(pictures)
    await inParallel(warm, callers, served.picture)
    await peer.pictures(warm.slice(0, 2))

    const best = await bestRawBatch(raw, log)
    const hand = await bestHandBatch(peer, files, log)
    const seconds = { raw: 0, limn: 0, single: 0, batched: 0 }
    for (const part of chunks(files, Math.ceil(files.length / rounds))) {
      seconds.raw += await inParallel(chunks(part, best), 1, (batch) => raw(batch.length))
      seconds.limn += await inParallel(part, callers, served.picture)
      seconds.single += await inParallel(part, callers, (file) => peer.pictures([file]))
      seconds.batched += await inParallel(chunks(part, hand), 1, peer.pictures)
    }
    const rate = (count: number, taken: number) => count / taken
    const meanBatch = await served.meanBatch('image')
    const pictureRates = {
      raw: rate(pictures, seconds.raw),
      limn: rate(pictures, seconds.limn),
      single: rate(pictures, seconds.single),
      batched: rate(pictures, seconds.batched),
    }
    log(`pictures a second: ${show(pictureRates)}; Limn's mean batch ${meanBatch.toFixed(1)}`)
    log(`  ${ratios(pictureRates.limn, pictureRates)}`)

    const textRates = await textRound(texts, rounds, served.text, peer.texts)
    const textBatch = await served.meanBatch('text')
    log(`texts a second: ${show(textRates)}; Limn's mean batch ${textBatch.toFixed(1)}`)
    log(`  ${ratios(textRates.limn, textRates)}`)
    const end = served.memory()
    log(`server at the end ${mb(end.server)}, its database ${mb(end.children)}`)
    return {
      pictures: { ...pictureRates, meanBatch },
      texts: { ...textRates, meanBatch: textBatch },
      memory: { loaded: loaded.server, end: end.server, database: end.children },
    }
  } finally {
    await served.close()
  }
}

async function textRound(
  count: number,
  rounds: number,
  limn: (text: string) => Promise<void>,
  peer: (texts: readonly string[], padding: 'longest' | 'max') => Promise<void>,
) {
  const all = benchTexts(count + 2 * callers)
  const warm = all.splice(count)
  await inParallel(warm, callers, limn)
  await peer(warm, 'longest')
  const seconds = { limn: 0, padded: 0, 'batched 8': 0, 'batched 16': 0, 'batched 32': 0 }
  for (const part of chunks(all, Math.ceil(count / rounds))) {
    seconds.limn += await inParallel(part, callers, limn)
    seconds.padded += await inParallel(part, callers, (text) => peer([text], 'max'))
    for (const size of [8, 16, 32] as const)
      seconds[`batched ${size}`] += await inParallel(chunks(part, size), 1, (texts) => peer(texts, 'longest'))
  }
  const batched = Math.min(seconds['batched 8'], seconds['batched 16'], seconds['batched 32'])
  return { limn: count / seconds.limn, padded: count / seconds.padded, batched: count / batched }
}

export async function bestRawBatch(
  run: (batch: number) => Promise<void>,
  log: (line: string) => void,
): Promise<number> {
  const rates = new Map<number, number>()
  for (const batch of rawBatches) {
    await run(batch)
    const turns = new Array(Math.ceil(32 / batch)).fill(batch)
    rates.set(batch, 32 / (await inParallel(turns, 1, run)))
  }
  return bestOf(rates, 'ONNX Runtime alone, by batch', log)
}

async function bestHandBatch(
  peer: { pictures(files: readonly Buffer[]): Promise<void> },
  files: readonly Buffer[],
  log: (line: string) => void,
): Promise<number> {
  const rates = new Map<number, number>()
  for (const batch of handBatches)
    rates.set(batch, 32 / (await inParallel(chunks(files.slice(0, 32), batch), 1, peer.pictures)))
  return bestOf(rates, 'transformers.js, by batch', log)
}

function bestOf(rates: Map<number, number>, what: string, log: (line: string) => void): number {
  log(`${what}: ${[...rates].map(([batch, rate]) => `${batch}: ${rate.toFixed(1)}/s`).join(', ')}`)
  return [...rates].reduce((best, next) => (next[1] > best[1] ? next : best))[0]
}

export const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size))

export const mb = (megabytes: number) => `${Math.round(megabytes)} MB`
const show = (rates: Record<string, number>) =>
  Object.entries(rates)
    .map(([name, rate]) => `${name} ${rate.toFixed(1)}`)
    .join(', ')
const ratios = (limn: number, rates: Record<string, number>) =>
  Object.entries(rates)
    .filter(([name]) => name !== 'limn')
    .map(([name, rate]) => `Limn / ${name} ${(limn / rate).toFixed(2)}`)
    .join(', ')

/** Drawn once, then read from the disk. */
export async function storedPhotos(count: number): Promise<Buffer[]> {
  const folder = path.join(store, `photos-${count}`)
  if (!existsSync(folder)) {
    mkdirSync(`${folder}.draft`, { recursive: true })
    for (const [n, file] of (await photos(count)).entries())
      writeFileSync(path.join(`${folder}.draft`, `${String(n).padStart(4, '0')}.jpg`), file)
    renameSync(`${folder}.draft`, folder)
  }
  return readdirSync(folder)
    .sort()
    .map((file) => readFileSync(path.join(folder, file)))
}

if (import.meta.main) {
  const [pictures, texts] = process.argv.slice(2).map(Number)
  await throughputBench({ pictures, texts })
  process.exit(0)
}
