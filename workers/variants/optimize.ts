/** Derives a model's variant for a provider, judges it and remembers what came out. */

import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { onnx } from 'onnx-proto'
import type { EncodeSession } from '../encode/tower-session.ts'
import { GraphError, ModelFolderError } from '../errors.ts'
import { tryLock } from '../fs/lock.ts'
import { writeModel } from '../onnx/file.ts'
import { prune } from '../onnx/prune.ts'
import {
  type DerivedTower,
  precisionFor,
  readRecord,
  thisMachine,
  type VariantRecord,
  variantBase,
  variantVersion,
  writeRecord,
} from '../registry/derived.ts'
import { type ModelSpec, type Tower, towers } from '../registry/spec.ts'
import type { Provider } from '../runtime/provider.ts'
import { fitted, type Inputs, inputsOf, openSide, race, vectorsOf } from './benchmark.ts'
import { type Examples, examples } from './calibration-set.ts'
import { toFp16 } from './fp16.ts'
import { agreement, closeEnough, fastEnough, gate, overlap } from './gate.ts'
import { products, quantize, quantizeTables } from './int8.ts'
import { prepare } from './prepare.ts'

export interface OptimizeOptions {
  cacheFolder: string
  /** What the files are for: 8 bits for the CPU, which is meant when absent, half precision for GPUs. */
  provider?: Provider
  signal?: AbortSignal
  /** `doing` says what is counted. */
  onProgress?(done: number, of: number, doing: string): void
}

type Options = OptimizeOptions & { provider: Provider }

/** Above it no layer is looked at alone: nothing hurts. */
const comfortable = 0.995
/** Inputs of the sensitivity pass. */
const few = 2

/**
 * Makes and judges the files of both towers. What cannot be derived is in the record with its reason; the model's own
 * files are not touched. Where another process is at it, its record is waited for.
 * @throws ModelFolderError when the model itself does not load
 */
export async function optimize(spec: ModelSpec, given: OptimizeOptions): Promise<VariantRecord> {
  const options = { provider: 'cpu' as const, ...given }
  const { cacheFolder, provider, signal } = options
  const base = variantBase(cacheFolder, spec.revision, provider)
  await mkdir(path.dirname(base), { recursive: true })
  for (let waited = false; ; waited = true) {
    const taken = tryLock(`${base}.lock`)
    if ('holder' in taken) {
      await sleep(500, undefined, { signal })
      continue
    }
    try {
      const made = waited ? await readRecord(cacheFolder, spec.revision, provider) : null
      return made ?? (await derive(spec, base, options))
    } finally {
      taken.lock.release()
    }
  }
}

async function derive(spec: ModelSpec, base: string, options: Options): Promise<VariantRecord> {
  const { cacheFolder, provider, signal } = options
  await sweep(base, spec.revision)
  const shown = await examples()
  const vectors = {} as Record<Tower, { own: Float32Array[]; derived: Float32Array[] }>
  const record = { machine: thisMachine(), shortTexts: false, towers: {} as VariantRecord['towers'] }
  const { precision } = spec.files
  if (precision !== 'fp32') {
    const reason = `the model's files are ${precision}; variants are derived from fp32`
    const nothing = { vision: none(reason), text: none(reason) }
    const done = { ...record, towers: nothing, overlap: 1, sameSpace: true }
    await writeRecord(cacheFolder, spec.revision, provider, done)
    return done
  }
  for (const tower of towers) {
    signal?.throwIfAborted()
    const found = await deriveSide(spec, tower, shown, base, options)
    record.towers[tower] = found.derived
    vectors[tower] = found.vectors
    if (tower === 'text') record.shortTexts = found.shortTexts
  }
  const ranking = (derived: readonly Tower[]) => ({
    prompts: derived.includes('text') ? vectors.text.derived : vectors.text.own,
    images: derived.includes('vision') ? vectors.vision.derived : vectors.vision.own,
  })
  const overlapOf = (derived: readonly Tower[]) => overlap(ranking([]), ranking(derived))
  const all = towers.filter((tower) => record.towers[tower].file)
  // Both together where they agree, else the one that wins more.
  const taken = towers.filter((tower) => !record.towers[tower].reason)
  const choices =
    taken.length === 2 ? [taken, ...bySpeed(taken, record.towers).map((tower) => [tower])] : [taken]
  const chosen = choices.find((choice) => overlapOf(choice) >= gate.overlap) ?? []
  for (const tower of taken) {
    if (chosen.includes(tower)) continue
    const alone = overlapOf([tower])
    const [share, which] = alone < gate.overlap ? [alone, 'it'] : [overlapOf(taken), 'both towers together']
    record.towers[tower].reason =
      `the ten best images agree with fp32 in ${(100 * share).toFixed(1)} % with ${which}, below ${100 * gate.overlap} %`
  }
  const done: VariantRecord = {
    ...record,
    overlap: overlapOf(all),
    sameSpace:
      overlapOf(all) >= gate.overlap && all.every((tower) => !closeEnough(record.towers[tower].cosine!)),
  }
  await writeRecord(cacheFolder, spec.revision, provider, done)
  return done
}

/** Removes what a killed process left, and what older versions derived from this model. */
async function sweep(base: string, revision: string): Promise<void> {
  const folder = path.dirname(base)
  for (const name of await readdir(folder)) {
    const draft = name.startsWith(path.basename(base)) && name.includes('.draft-')
    const older = name.startsWith(`${revision}-`) && !name.startsWith(`${revision}-${variantVersion}-`)
    if (draft || older) await rm(path.join(folder, name), { force: true })
  }
}

const bySpeed = (of: readonly Tower[], record: Record<Tower, DerivedTower>) =>
  of.toSorted((a, b) => record[b].speedup - record[a].speedup)

const none = (reason: string): DerivedTower => ({
  ...{ file: null, bytes: 0, rewritten: 0, kept: [], cosine: null, speedup: 1, reason },
})

async function deriveSide(spec: ModelSpec, tower: Tower, shown: Examples, base: string, options: Options) {
  const { onProgress = () => {}, provider, signal } = options
  const precision = precisionFor(provider)
  const draft = `${base}-${tower}.draft-${randomUUID()}`
  // First: rewriting takes several copies of the tower, and so does a session.
  const graph = await prepare(spec, tower, provider).catch((error: Error) => error)
  const own = await openSide(spec, spec.files, tower, provider)
  try {
    const counted = (doing: string) => (done: number, of: number) => {
      signal?.throwIfAborted()
      onProgress(done, of, `${tower === 'vision' ? 'images' : 'texts'} ${doing}`)
    }
    const { shortTexts } = own.ready
    const inputs = await fitted(own, await inputsOf(spec, tower, shown, shortTexts))
    const ownVectors = await vectorsOf(own, inputs, counted('in fp32'))
    const unchanged = (reason: string) => ({
      shortTexts,
      derived: none(reason),
      vectors: { own: ownVectors, derived: ownVectors },
    })
    try {
      if (graph instanceof Error) throw graph
      /** The file with these products in float, and what is found with its session. */
      const attempt = async <T>(
        kept: ReadonlySet<string>,
        use: (session: EncodeSession) => Promise<T>,
      ): Promise<{ rewritten: number; result: T }> => {
        const rewritten = await writeSide(graph, precision, kept, draft)
        const session = await openSide(spec, { kind: 'combined', model: draft, precision }, tower, provider)
        try {
          return { rewritten, result: await use(session) }
        } finally {
          await session.close()
        }
      }
      const names = precision === 'int8' ? products(graph.graph!).map(({ name }) => name) : []
      const kept = await sensitive(names, tower, inputs, ownVectors, attempt, options)
      const { rewritten, result } = await attempt(kept, async (session) => {
        const vectors = await vectorsOf(session, inputs, counted(inWords[precision]))
        const [before, after] = (await race([own, session], inputs[0]!)) as [number, number]
        return { vectors, speedup: before / after }
      })
      const file = `${base}-${tower}.onnx`
      await rename(draft, file)
      const cosine = agreement(ownVectors, result.vectors)
      const derived: DerivedTower = {
        file: path.basename(file),
        bytes: (await stat(file)).size,
        rewritten,
        kept: [...kept],
        cosine,
        speedup: result.speedup,
        reason: closeEnough(cosine) ?? fastEnough(result.speedup),
      }
      return { shortTexts, derived, vectors: { own: ownVectors, derived: result.vectors } }
    } catch (error) {
      signal?.throwIfAborted()
      // A full disk says nothing of the model: it is tried again another time.
      if ((error as NodeJS.ErrnoException).syscall) throw error
      // The model's own file goes on serving, whatever is wrong with what was made of it.
      if (error instanceof GraphError) return unchanged(error.message)
      const why = error instanceof ModelFolderError ? error.reason : (error as Error).message
      return unchanged(`it does not run (${why})`)
    } finally {
      await rm(draft, { force: true })
    }
  } finally {
    await own.close()
  }
}

export const inWords = { int8: 'in 8 bits', fp16: 'in half precision' }

/**
 * Which products stay in float: none where all in 8 bits agree with fp32 anyway. Else each is put back to float alone,
 * and those that help most stay so, ever more of them until the vectors agree.
 */
async function sensitive(
  names: readonly string[],
  tower: Tower,
  inputs: Inputs,
  own: readonly Float32Array[],
  attempt: <T>(
    kept: ReadonlySet<string>,
    use: (session: EncodeSession) => Promise<T>,
  ) => Promise<{ result: T }>,
  { signal, onProgress = () => {} }: OptimizeOptions,
): Promise<Set<string>> {
  // Where there is one or none, there is nothing to choose among.
  if (names.length < 2) return new Set()
  const seen = inputs.slice(0, few)
  const rows = own.slice(
    0,
    seen.reduce((sum, input) => sum + (input.kind === 'pixels' ? input.pixels.length : input.rows.length), 0),
  )
  const agree = async (kept: ReadonlySet<string>) =>
    agreement(rows, (await attempt(kept, (session) => vectorsOf(session, seen))).result)
  const enough = ({ mean, worst }: { mean: number; worst: number }) =>
    mean >= comfortable && worst >= comfortable - (gate.mean - gate.worst)
  const plain = await agree(new Set())
  if (enough(plain)) return new Set()
  const gains: { name: string; mean: number }[] = []
  for (const [i, name] of names.entries()) {
    signal?.throwIfAborted()
    onProgress(i + 1, names.length, `layers of the ${tower} tower in float, each in turn`)
    gains.push({ name, mean: (await agree(new Set([name]))).mean })
  }
  gains.sort((a, b) => b.mean - a.mean)
  for (let count = 1; count < names.length; count = Math.ceil(count * 1.5)) {
    const kept = new Set(gains.slice(0, count).map(({ name }) => name))
    if (enough(await agree(kept))) return kept
  }
  return new Set(gains.slice(0, names.length >> 1).map(({ name }) => name))
}

/** The graph rewritten but for these products, as a file; gives how many products were rewritten. */
async function writeSide(
  model: onnx.IModelProto,
  precision: 'int8' | 'fp16',
  kept: ReadonlySet<string>,
  file: string,
): Promise<number> {
  const graph = model.graph!
  // Nodes and constants themselves are never changed.
  const copy: onnx.IModelProto = {
    ...model,
    opsetImport: [...model.opsetImport!],
    graph: { ...graph, node: [...graph.node!], initializer: [...graph.initializer!] },
  }
  const rewritten = precision === 'int8' ? quantize(copy, (name) => !kept.has(name)) : toFp16(copy)
  if (rewritten === 0)
    throw new GraphError(`The graph has no product with a constant matrix to make ${inWords[precision]}.`)
  if (precision === 'int8') quantizeTables(copy.graph!)
  prune(
    copy.graph!,
    graph.output!.map(({ name }) => name!),
  )
  const handle = await open(file, 'w')
  try {
    await handle.writeFile(writeModel(copy))
    await handle.sync()
  } finally {
    await handle.close()
  }
  return rewritten
}
