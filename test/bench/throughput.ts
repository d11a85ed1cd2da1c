/**
 * Images and texts a second with a CLIP of ViT-B/32's size: Limn through GraphQL, as it serves by default and with the
 * model's fp32 files, beside ONNX Runtime alone and transformers.js on those; and decoding alone, the next limit. All in
 * turns in one run, so that whatever else the machine does weighs on all alike. `npx node test/bench/throughput.ts`
 */

import os from 'node:os'
import path from 'node:path'
import type { Modality } from '../../workers/encode/encoder.ts'
import { defaultLimits } from '../../workers/images/open.ts'
import { DecodePool } from '../../workers/images/pool/decode-pool.ts'
import type { ModelSpec } from '../../workers/registry/spec.ts'
import { Backpressure } from '../../workers/runtime/backpressure.ts'
import { optimize } from '../../workers/variants/optimize.ts'
import { rawImages, rawTexts, transformers } from './peers.ts'
import { photos } from './photos.ts'
import { callers, type Served, serve } from './served.ts'
import { benchTexts } from './tokenizer.ts'
import { bestBatch, chunks, inParallel, type Log, mb, store } from './tools.ts'
import { specOf } from './variants.ts'
import { vitFolder, vitName } from './vit.ts'

/** A server is measured as it is after some hours, not in its first second. */
const warmImages = 64
const warmTexts = 768

interface Servers {
  /** What a user gets: derived files where they pass the gate. */
  limn: Served
  fp32: Served
}

/** A race over so many items of one kind. */
interface Round {
  spec: ModelSpec
  folder: string
  servers: Servers
  count: number
  rounds: number
  log: Log
}

/** What takes its turn: the same items, worked through by so many callers. */
interface Contender<T> {
  batch: number
  callers: number
  /** Part of the items that it gets, 1 when absent: what is slow need not be waited for. */
  share?: number
  run(batch: T[]): Promise<unknown>
}

export async function throughputBench({
  images = 512,
  texts = 3072,
  rounds = 2,
  log = console.log as Log,
} = {}) {
  const folder = vitFolder(path.join(store, 'models'))
  const root = path.dirname(folder)
  const cacheFolder = path.join(store, 'cache')
  const spec = await specOf(root, vitName)
  const record = await optimize(spec, { cacheFolder })
  for (const [tower, { reason }] of Object.entries(record.towers))
    log(`derived ${tower} file: ${reason ?? 'taken'}`)
  const fp32 = await serve(root, vitName, { LIMN_VARIANT: 'fp32' }, cacheFolder)
  const limn = await serve(root, vitName, {}, cacheFolder)
  const servers = { limn, fp32 }
  const round = { spec, folder, servers, rounds, log }
  try {
    sayMemory('after loading', servers, log)
    await imageRound({ ...round, count: images })
    await textRound({ ...round, count: texts })
    sayMemory('at the end', servers, log)
  } finally {
    await Promise.all([limn.close(), fp32.close()])
  }
}

async function imageRound({ spec, folder, servers, count, rounds, log }: Round): Promise<void> {
  const { limn, fp32 } = servers
  const files = await photos(count + warmImages)
  const warm = files.splice(count)
  const raw = await rawImages(folder)
  const peer = await transformers(path.dirname(folder), vitName)
  const decoding = decoder(spec)
  const some = files.slice(0, 32)
  const turns = {
    limn: { batch: 1, callers, run: ([file]) => limn.image(file!) },
    'Limn in fp32': { batch: 1, callers, run: ([file]) => fp32.image(file!) },
    'ONNX Runtime alone': {
      batch: await bestBatch('ONNX Runtime alone', [1, 2, 4, 8, 16, 32], some, (b) => raw(b.length), log),
      callers: 1,
      run: (batch) => raw(batch.length),
    },
    'transformers.js, one a call': { batch: 1, callers, run: peer.images },
    'transformers.js by hand': {
      batch: await bestBatch('transformers.js', [8, 16], some, peer.images, log),
      callers: 1,
      run: peer.images,
    },
    'decoding alone': { batch: 1, callers, run: ([file]) => decoding.one(file!) },
  } satisfies Record<string, Contender<Buffer>>
  await race('images', files, warm, rounds, turns, log)
  log(`  mean batch: ${await batches('image', { limn, fp32 })}`)
  await decoding.close()
}

async function textRound({ spec, folder, servers, count, rounds, log }: Round): Promise<void> {
  const { limn, fp32 } = servers
  const all = benchTexts(count + warmTexts)
  const warm = all.splice(count)
  const raw = await rawTexts(spec, folder)
  const peer = await transformers(path.dirname(folder), vitName)
  const some = all.slice(0, 128)
  const padded = (texts: string[]) => peer.texts(texts, 'max')
  const longest = (texts: string[]) => peer.texts(texts, 'longest')
  const sizes = [8, 16, 32]
  const turns = {
    limn: { batch: 1, callers, run: ([text]) => limn.text(text!) },
    'Limn in fp32': { batch: 1, callers, run: ([text]) => fp32.text(text!) },
    'ONNX Runtime alone': {
      batch: await bestBatch('ONNX Runtime alone', sizes, some, raw, log),
      callers: 1,
      run: raw,
    },
    'transformers.js, padded to 77': { batch: 1, callers, share: 1 / 8, run: padded },
    'transformers.js by hand': {
      batch: await bestBatch('transformers.js', sizes, some, longest, log),
      callers: 1,
      run: longest,
    },
  } satisfies Record<string, Contender<string>>
  await race('texts', all, warm, rounds, turns, log)
  log(`  mean batch: ${await batches('text', { limn, fp32 })}`)
}

/** All contenders in turns on a part of the items, then on the next part. */
async function race<T>(
  what: string,
  items: readonly T[],
  warm: readonly T[],
  rounds: number,
  turns: Record<string, Contender<T>>,
  log: Log,
): Promise<void> {
  const seconds = Object.fromEntries(Object.keys(turns).map((name) => [name, 0]))
  const run = async (part: readonly T[], { batch, callers, share = 1, run }: Contender<T>) => {
    const own = part.slice(0, Math.ceil(part.length * share))
    return ((await inParallel(chunks(own, batch), callers, run)) / own.length) * part.length
  }
  for (const turn of Object.values(turns)) await run(warm, turn)
  for (const part of chunks(items, Math.ceil(items.length / rounds)))
    for (const [name, turn] of Object.entries(turns)) seconds[name]! += await run(part, turn)
  const rate = (name: string) => items.length / seconds[name]!
  log(`${what} a second: Limn ${rate('limn').toFixed(1)}`)
  for (const name of Object.keys(turns)) {
    if (name === 'limn') continue
    const own = name === 'Limn in fp32' ? '' : `, in fp32 ${(rate('Limn in fp32') / rate(name)).toFixed(2)}`
    log(
      `  ${name.padEnd(30)} ${rate(name).toFixed(1).padStart(6)}   Limn / this ${(rate('limn') / rate(name)).toFixed(2)}${own}`,
    )
  }
}

const batches = async (modality: Modality, { limn, fp32 }: Servers) =>
  `Limn ${(await limn.meanBatch(modality)).toFixed(1)}, in fp32 ${(await fp32.meanBatch(modality)).toFixed(1)}`

function sayMemory(when: string, { limn, fp32 }: Servers, log: Log): void {
  const show = (served: Served) =>
    `${mb(served.memory().server)} (its database ${mb(served.memory().children)})`
  log(`server ${when}: ${show(limn)}; with fp32 files ${show(fp32)}`)
}

/** Images through the encoder's decoding threads, with no encoder behind them. */
function decoder(spec: ModelSpec) {
  const pool = new DecodePool(os.availableParallelism(), new Backpressure(Number.POSITIVE_INFINITY))
  return {
    one: (file: Buffer) =>
      pool.decode(file, spec.image, defaultLimits, {
        priority: 'interactive',
        since: performance.now(),
        hasWaiters: () => true,
      }),
    close: () => pool.close(),
  }
}

if (import.meta.main) {
  const [images, texts] = process.argv.slice(2).map(Number)
  await throughputBench({ images, texts })
  process.exit(0)
}
