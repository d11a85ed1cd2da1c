/** Writes one tower's file in lower precision and measures it against the fp32 file. */

import { stat } from 'node:fs/promises'
import path from 'node:path'
import type { SessionInput } from '../encode/encoder-session.ts'
import type { EncodeSession } from '../encode/tower-session.ts'
import { withDraft } from '../fs/write.ts'
import type { ModelProto } from '../onnx/proto/schema.ts'
import { type DerivedTower, precisionFor } from '../registry/derived.ts'
import type { ModelSpec, Tower } from '../registry/spec.ts'
import type { Provider } from '../runtime/provider.ts'
import { benchmark } from './benchmark.ts'
import { agreement, agreementProblem, speedProblem } from './gate.ts'
import { products } from './rewrite/products.ts'
import { inWords, writeTower } from './rewrite/write-tower.ts'
import { sensitivityAnalysis } from './sensitivity.ts'
import { openTower, vectorsOf } from './tower-session.ts'

export interface DeriveOptions {
  provider: Provider
  signal?: AbortSignal
  /** `activity` names the things that are counted. */
  onProgress?(done: number, total: number, activity: string): void
}

/** A model's own tower, with the calibration set and the vectors that its fp32 file gives. */
export interface OwnTower {
  spec: ModelSpec
  tower: Tower
  graph: ModelProto
  session: EncodeSession
  inputs: readonly SessionInput[]
  fp32: readonly Float32Array[]
}

/** A file is there only once it is whole and measured. @throws Error when the derived file does not run */
export async function deriveFile(
  { spec, tower, graph, session, inputs, fp32 }: OwnTower,
  file: string,
  options: DeriveOptions,
): Promise<{ derived: DerivedTower; vectors: Float32Array[] }> {
  const { provider } = options
  const precision = precisionFor(provider)
  const measured = await withDraft(file, async (draft) => {
    /** Writes the file with the `kept` products in float and opens a session on it. */
    const withSession = async <T>(
      kept: ReadonlySet<string>,
      use: (derived: EncodeSession, rewritten: number) => Promise<T>,
    ): Promise<T> => {
      const rewritten = await writeTower(graph, precision, kept, draft)
      const derived = await openTower(spec, { kind: 'combined', model: draft, precision }, tower, provider)
      try {
        return await use(derived, rewritten)
      } finally {
        await derived.close()
      }
    }
    const kept = await sensitivityAnalysis({
      names: precision === 'int8' ? products(graph.graph!).map(({ name }) => name) : [],
      inputs,
      reference: fp32,
      vectors: (kept, some) => withSession(kept, (derived) => vectorsOf(derived, some)),
      onProgress: counter(`layers of the ${tower} tower in float, each in turn`, options),
    })
    return withSession(kept, async (derived, rewritten) => {
      const vectors = await vectorsOf(
        derived,
        inputs,
        counter(`${things[tower]} ${inWords[precision]}`, options),
      )
      const [before, after] = (await benchmark([session, derived], inputs[0]!)) as [number, number]
      return { rewritten, kept: [...kept], vectors, speedup: before / after }
    })
  })
  const { rewritten, kept, vectors, speedup } = measured
  const cosine = agreement(fp32, vectors)
  const derived: DerivedTower = {
    file: path.basename(file),
    bytes: (await stat(file)).size,
    ...{ rewritten, kept, cosine, speedup },
    reason: agreementProblem(cosine) ?? speedProblem(speedup),
  }
  return { derived, vectors }
}

/** The inputs of a tower, for progress. */
export const things: Record<Tower, string> = { vision: 'images', text: 'texts' }

/** Reports progress, and stops where the work is aborted. */
export const counter =
  (activity: string, { signal, onProgress }: DeriveOptions) =>
  (done: number, total: number): void => {
    signal?.throwIfAborted()
    onProgress?.(done, total, activity)
  }
