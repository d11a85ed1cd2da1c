/** Derives a model's 8-bit variant, judges it and remembers what came out. */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { onnx } from 'onnx-proto'
import type { EncodeSession } from '../encode/model.ts'
import { type Log, silent } from '../log.ts'
import { GraphError } from '../onnx/errors.ts'
import { writeModel } from '../onnx/file.ts'
import { prune } from '../onnx/prune.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { type Examples, examples } from './examples.ts'
import { agreement, closeEnough, gate, overlap } from './gate.ts'
import { products, quantize, quantizeTables } from './int8.ts'
import { prepare } from './prepare.ts'
import {
  type DerivedSide,
  type Side,
  sides,
  thisMachine,
  type VariantRecord,
  variantBase,
  writeRecord,
} from './record.ts'
import { type Inputs, inputsOf, openSide, race, vectorsOf } from './trial.ts'

export interface OptimizeOptions {
  cacheFolder: string
  log?: Log
  signal?: AbortSignal
  /** `doing` says what is counted. */
  onProgress?(done: number, of: number, doing: string): void
}

/** What a variant must win to be worth other digits. */
const leastSpeedup = 1.2
/** Above it no layer is looked at alone: nothing hurts. */
const comfortable = 0.995
/** Inputs of the sensitivity pass. */
const few = 2

/**
 * Makes and judges the 8-bit files of both sides. What cannot be derived is in the record with its reason; the model's
 * own files are not touched.
 */
export async function optimize(spec: ModelSpec, options: OptimizeOptions): Promise<VariantRecord> {
  const { cacheFolder, signal } = options
  await mkdir(path.dirname(variantBase(cacheFolder, spec.revision)), { recursive: true })
  const shown = await examples()
  const vectors = {} as Record<Side, { own: Float32Array[]; derived: Float32Array[] }>
  const record = { machine: thisMachine(), shortTexts: false, sides: {} as VariantRecord['sides'] }
  for (const side of sides) {
    signal?.throwIfAborted()
    const found = await deriveSide(spec, side, shown, options)
    record.sides[side] = found.derived
    vectors[side] = found.vectors
    if (side === 'text') record.shortTexts = found.shortTexts
  }
  const ranking = (derived: readonly Side[]) => ({
    prompts: derived.includes('text') ? vectors.text.derived : vectors.text.own,
    pictures: derived.includes('vision') ? vectors.vision.derived : vectors.vision.own,
  })
  const overlapOf = (derived: readonly Side[]) => overlap(ranking([]), ranking(derived))
  const all = sides.filter((side) => record.sides[side].file)
  // Both together where they agree, else the one that wins more.
  const taken = sides.filter((side) => !record.sides[side].reason)
  const choices =
    taken.length === 2 ? [taken, ...bySpeed(taken, record.sides).map((side) => [side])] : [taken]
  const chosen = choices.find((choice) => overlapOf(choice) >= gate.overlap) ?? []
  for (const side of taken)
    if (!chosen.includes(side))
      record.sides[side].reason =
        `its ten best pictures agree with fp32 in ${(100 * overlapOf([side])).toFixed(0)} %, below ${100 * gate.overlap} %`
  const done: VariantRecord = {
    ...record,
    overlap: overlapOf(all),
    comparable:
      overlapOf(all) >= gate.overlap && all.every((side) => !closeEnough(record.sides[side].cosine!)),
  }
  await writeRecord(cacheFolder, spec.revision, done)
  return done
}

const bySpeed = (of: readonly Side[], record: Record<Side, DerivedSide>) =>
  of.toSorted((a, b) => record[b].speedup - record[a].speedup)

const none = (reason: string): DerivedSide => ({
  ...{ file: null, bytes: 0, quantized: 0, kept: [], cosine: null, speedup: 1, reason },
})

async function deriveSide(spec: ModelSpec, side: Side, shown: Examples, options: OptimizeOptions) {
  const { cacheFolder, log = silent, onProgress = () => {}, signal } = options
  const base = `${variantBase(cacheFolder, spec.revision)}-int8-${side}`
  const draft = `${base}.${process.pid}.onnx`
  const inputs = await inputsOf(spec, side, shown)
  const own = await openSide(spec, spec.files, side)
  try {
    const counted = (doing: string) => (done: number, of: number) => {
      signal?.throwIfAborted()
      onProgress(done, of, `${side === 'vision' ? 'pictures' : 'texts'} ${doing}`)
    }
    const ownVectors = await vectorsOf(own, inputs, counted('in fp32'))
    const unchanged = (reason: string) => ({
      shortTexts: own.ready.shortTexts,
      derived: none(reason),
      vectors: { own: ownVectors, derived: ownVectors },
    })
    if (spec.files.precision !== 'fp32')
      return unchanged(`the model's files are ${spec.files.precision}; variants are derived from fp32`)
    let graph: onnx.IModelProto
    /** The file with these products in float, and its vectors of these inputs. */
    const attempt = async <T>(kept: ReadonlySet<string>, use: (session: EncodeSession) => Promise<T>) => {
      const quantized = await writeSide(graph, kept, draft)
      const session = await openSide(spec, { kind: 'combined', model: draft, precision: 'int8' }, side)
      try {
        return { quantized, result: await use(session) }
      } finally {
        await session.close()
      }
    }
    try {
      graph = await prepare(spec, side)
      const names = products(graph.graph!).map(({ name }) => name)
      const kept = await sensitive(names, side, inputs, ownVectors, attempt, options)
      const { quantized, result } = await attempt(kept, async (session) => {
        const vectors = await vectorsOf(session, inputs, counted('in 8 bits'))
        const [before, after] = (await race([own, session], inputs[0]!)) as [number, number]
        return { vectors, speedup: before / after }
      })
      const file = `${base}.onnx`
      await rename(draft, file)
      const cosine = agreement(ownVectors, result.vectors)
      const slow =
        result.speedup < leastSpeedup ? `it is ${result.speedup.toFixed(2)} times as fast as fp32 here` : null
      const derived: DerivedSide = {
        file: path.basename(file),
        bytes: (await stat(file)).size,
        quantized,
        kept: [...kept],
        cosine,
        speedup: result.speedup,
        reason: closeEnough(cosine) ?? slow,
      }
      const { shortTexts } = own.ready
      return { shortTexts, derived, vectors: { own: ownVectors, derived: result.vectors } }
    } catch (error) {
      signal?.throwIfAborted()
      // The model's own file goes on serving, whatever is wrong with what was made of it.
      log.warn({ model: spec.name, side, err: error }, 'no 8-bit variant')
      return unchanged(
        error instanceof GraphError ? error.message : `it does not run (${(error as Error).message})`,
      )
    } finally {
      await rm(draft, { force: true })
    }
  } finally {
    await own.close()
  }
}

/**
 * Which products stay in float: none where all in 8 bits agree with fp32 anyway. Else each is put back to float alone,
 * and those that help most stay so, ever more of them until the vectors agree.
 */
async function sensitive(
  names: readonly string[],
  side: Side,
  inputs: Inputs,
  own: readonly Float32Array[],
  attempt: <T>(
    kept: ReadonlySet<string>,
    use: (session: EncodeSession) => Promise<T>,
  ) => Promise<{ result: T }>,
  { signal, onProgress = () => {} }: OptimizeOptions,
): Promise<Set<string>> {
  const seen = inputs.slice(0, side === 'vision' ? few : few * 8)
  const rows = own.slice(
    0,
    seen.reduce((sum, input) => sum + (input.kind === 'pixels' ? input.pixels.length : 1), 0),
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
    onProgress(i + 1, names.length, `layers of the ${side} side in float, each in turn`)
    gains.push({ name, mean: (await agree(new Set([name]))).mean })
  }
  gains.sort((a, b) => b.mean - a.mean)
  for (let count = 1; count < names.length; count = Math.ceil(count * 1.5)) {
    const kept = new Set(gains.slice(0, count).map(({ name }) => name))
    if (enough(await agree(kept))) return kept
  }
  return new Set(gains.slice(0, names.length >> 1).map(({ name }) => name))
}

/** The graph with these products in float and the others in 8 bits, written to a file; gives how many those are. */
async function writeSide(model: onnx.IModelProto, kept: ReadonlySet<string>, file: string): Promise<number> {
  const graph = model.graph!
  // Nodes and constants themselves are never changed.
  const copy: onnx.IModelProto = {
    ...model,
    opsetImport: [...model.opsetImport!],
    graph: { ...graph, node: [...graph.node!], initializer: [...graph.initializer!] },
  }
  const quantized = quantize(copy, (name) => !kept.has(name))
  if (quantized === 0)
    throw new GraphError('The graph has no product with a constant matrix to make in 8 bits.')
  quantizeTables(copy.graph!)
  prune(
    copy.graph!,
    graph.output!.map(({ name }) => name!),
  )
  await writeFile(file, writeModel(copy))
  return quantized
}
