/**
 * What the derived 8-bit files are worth with a CLIP of ViT-B/32's size: pictures and texts a second through GraphQL
 * beside ONNX Runtime alone on the fp32 files, in turns in one run; how fast decoding alone is, which is the next limit;
 * memory, disk and agreement. `node test/bench/variants.ts`
 */
import { existsSync, statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { DecodePool } from '../../workers/encode/decode-pool.ts'
import { loadTokenizer, padBatch } from '../../workers/encode/tokenizer.ts'
import { ModelRegistry } from '../../workers/registry/registry.ts'
import type { ModelSpec } from '../../workers/registry/spec.ts'
import { defaultLimits } from '../../workers/sources/picture.ts'
import { optimize } from '../../workers/variants/optimize.ts'
import { sides } from '../../workers/variants/record.ts'
import { rawSession } from './peers.ts'
import { callers, inParallel, serve } from './served.ts'
import { bestRawBatch, chunks, mb, store, storedPhotos } from './throughput.ts'
import { benchTexts } from './tokenizer.ts'
import { vitFolder, vitName } from './vit.ts'

const textBatches = [8, 16, 32]

export async function variantsBench({
  pictures = 256,
  texts = 768,
  rounds = 4,
  log = (line: string) => console.log(line),
} = {}): Promise<void> {
  const folder = vitFolder(path.join(store, 'models'))
  const cacheFolder = path.join(store, 'cache')
  const files = await storedPhotos(pictures + callers)
  const open = (variant: 'fp32' | 'int8', defaultModel: string, root: string) =>
    new ModelRegistry({
      bundledFolder: path.resolve('workers/models'),
      homeFolder: root,
      cacheFolder,
      defaultModel,
      variant,
    })
  const root = path.dirname(folder)
  const parity = path.resolve('../shared/parity/models')
  const judged: [string, string][] = [
    [root, vitName],
    [root, 'limn-icons'],
    ...(existsSync(parity)
      ? (['tiny-clip', 'tiny-clip-gelu'].map((name) => [parity, name]) as [string, string][])
      : []),
  ]
  for (const [from, name] of judged) await agreementOf(await open('fp32', name, from).get(), cacheFolder, log)
  const spec = await open('fp32', vitName, root).get()

  const [own, derived] = [
    await serve(root, vitName, { LIMN_VARIANT: 'fp32' }, cacheFolder),
    await serve(root, vitName, { LIMN_VARIANT: 'int8' }, cacheFolder),
  ]
  try {
    log(`server after loading: fp32 ${mb(own.memory().server)}, 8 bits ${mb(derived.memory().server)}`)
    const raw = await rawSession(folder)
    const warm = files.splice(pictures)
    for (const served of [own, derived]) await inParallel(warm, callers, served.picture)
    const best = await bestRawBatch(raw, log)
    const decoding = decoder(spec)
    await decoding.run(warm)
    const seconds = { raw: 0, fp32: 0, int8: 0, decode: 0 }
    for (const part of chunks(files, Math.ceil(files.length / rounds))) {
      seconds.raw += await inParallel(chunks(part, best), 1, (batch) => raw(batch.length))
      seconds.fp32 += await inParallel(part, callers, own.picture)
      seconds.int8 += await inParallel(part, callers, derived.picture)
      seconds.decode += await decoding.run(part)
    }
    await decoding.close()
    report('pictures', pictures, seconds, log)

    const all = benchTexts(texts + callers)
    const rawText = await rawTexts(spec, folder)
    const warmTexts = all.splice(texts)
    await rawText(warmTexts)
    for (const served of [own, derived]) await inParallel(warmTexts, callers, served.text)
    const batch = await bestTextBatch(all, rawText, log)
    const textSeconds = { raw: 0, fp32: 0, int8: 0 }
    for (const part of chunks(all, Math.ceil(texts / rounds))) {
      textSeconds.raw += await inParallel(chunks(part, batch), 1, rawText)
      textSeconds.fp32 += await inParallel(part, callers, own.text)
      textSeconds.int8 += await inParallel(part, callers, derived.text)
    }
    report('texts', texts, textSeconds, log)
    log(`server at the end: fp32 ${mb(own.memory().server)}, 8 bits ${mb(derived.memory().server)}`)
  } finally {
    await Promise.all([own.close(), derived.close()])
  }
}

async function agreementOf(spec: ModelSpec, cacheFolder: string, log: (line: string) => void): Promise<void> {
  const begun = performance.now()
  const record = await optimize(spec, { cacheFolder })
  const taken = ((performance.now() - begun) / 1000).toFixed(0)
  log(
    `${spec.name}: derived and judged in ${taken} s, ten best in common ${(100 * record.overlap).toFixed(1)} %`,
  )
  for (const side of sides) {
    const { bytes, rewritten, kept, cosine, speedup, reason } = record.sides[side]
    const own = spec.files.kind === 'combined' ? spec.files.model : spec.files[side]
    log(
      `  ${side}: ${mb(statSync(own).size / 1e6)} -> ${mb(bytes / 1e6)}, ${rewritten} products in 8 bits, ${kept.length} in float, ` +
        `cosine ${cosine?.mean.toFixed(5)} (lowest ${cosine?.worst.toFixed(5)}), ${speedup.toFixed(2)} times as fast: ${reason ?? 'taken'}`,
    )
  }
}

function report(
  what: string,
  count: number,
  seconds: Record<string, number>,
  log: (line: string) => void,
): void {
  const rates = Object.entries(seconds).map(([name, taken]) => [name, count / taken] as const)
  log(`${what} a second: ${rates.map(([name, rate]) => `${name} ${rate.toFixed(1)}`).join(', ')}`)
  const { raw, fp32, int8 } = seconds as { raw: number; fp32: number; int8: number }
  log(`  Limn in 8 bits / raw fp32 ${(raw / int8).toFixed(2)}, / Limn in fp32 ${(fp32 / int8).toFixed(2)}`)
}

/** Pictures through the encoder's decoding threads, with no encoder behind them. */
function decoder(spec: ModelSpec) {
  const pool = new DecodePool(os.availableParallelism())
  const one = (file: Buffer) =>
    pool.decode(file, spec.image, defaultLimits, {
      priority: 'interactive',
      since: performance.now(),
      wanted: () => true,
    })
  return { run: (files: readonly Buffer[]) => inParallel(files, callers, one), close: () => pool.close() }
}

/** session.run on texts, tokenized and padded to the longest of their batch. */
async function rawTexts(
  spec: ModelSpec,
  folder: string,
): Promise<(texts: readonly string[]) => Promise<void>> {
  const session = await ort.InferenceSession.create(path.join(folder, 'onnx', 'text_model.onnx'), {
    intraOpNumThreads: os.availableParallelism(),
  })
  const tokenizer = await loadTokenizer(spec)
  return async (texts) => {
    const rows = texts.map((text) => tokenizer.encode(text))
    const length = Math.max(...rows.map((row) => row.length))
    const { ids, mask } = padBatch(rows, length, spec.text.padId)
    const feeds = { input_ids: ids, attention_mask: mask }
    await session.run(
      Object.fromEntries(
        Object.entries(feeds)
          .filter(([name]) => session.inputNames.includes(name))
          .map(([name, data]) => [name, new ort.Tensor('int64', data, [rows.length, length])]),
      ),
    )
  }
}

async function bestTextBatch(
  all: readonly string[],
  run: (texts: readonly string[]) => Promise<void>,
  log: (line: string) => void,
): Promise<number> {
  const rates: [number, number][] = []
  for (const batch of textBatches) {
    await run(all.slice(0, batch))
    rates.push([batch, 128 / (await inParallel(chunks(all.slice(0, 128), batch), 1, run))])
  }
  log(
    `ONNX Runtime alone on texts, by batch: ${rates.map(([n, rate]) => `${n}: ${rate.toFixed(1)}/s`).join(', ')}`,
  )
  return rates.reduce((best, next) => (next[1] > best[1] ? next : best))[0]
}

if (import.meta.main) {
  const [pictures, texts] = process.argv.slice(2).map(Number)
  await variantsBench({ pictures, texts })
  process.exit(0)
}
