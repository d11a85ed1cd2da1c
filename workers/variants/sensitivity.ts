/** Which products lose most when they are rounded. */
import type { SessionInput } from '../encode/encoder-session.ts'
import type { Agreement } from '../registry/derived.ts'
import { agreement, gate } from './gate.ts'
import { rowsOf } from './tower-inputs.ts'

/** Cosine with fp32 that needs no product in float. */
const targetCosine = 0.995
/** Batches that the analysis runs on. */
const sensitivityBatches = 2

export interface SensitivityOptions {
  /** Names of the products. */
  names: readonly string[]
  inputs: readonly SessionInput[]
  /** Vectors of the fp32 file for the inputs. */
  reference: readonly Float32Array[]
  /** Vectors of the file with these products in float. */
  vectors(kept: ReadonlySet<string>, inputs: readonly SessionInput[]): Promise<Float32Array[]>
  onProgress(done: number, total: number): void
}

/**
 * The products to keep in float: none where all in 8 bits agree with fp32 anyway. Else each product is tried in float
 * alone, and those that help most are kept, ever more of them until the vectors agree.
 */
export async function sensitivityAnalysis({
  names,
  inputs,
  reference,
  vectors,
  onProgress,
}: SensitivityOptions): Promise<Set<string>> {
  // Where there is one or none, there is nothing to choose among.
  if (names.length < 2) return new Set()
  const few = inputs.slice(0, sensitivityBatches)
  const rows = reference.slice(
    0,
    few.reduce((sum, input) => sum + rowsOf(input), 0),
  )
  const agreementWith = async (kept: ReadonlySet<string>) => agreement(rows, await vectors(kept, few))
  if (meetsTarget(await agreementWith(new Set()))) return new Set()

  const gains: { name: string; mean: number }[] = []
  for (const [i, name] of names.entries()) {
    onProgress(i + 1, names.length)
    gains.push({ name, mean: (await agreementWith(new Set([name]))).mean })
  }
  gains.sort((a, b) => b.mean - a.mean)
  const best = (count: number) => new Set(gains.slice(0, count).map(({ name }) => name))
  for (let count = 1; count < names.length; count = Math.ceil(count * 1.5)) {
    const kept = best(count)
    if (meetsTarget(await agreementWith(kept))) return kept
  }
  return best(names.length >> 1)
}

const meetsTarget = ({ mean, worst }: Agreement) =>
  mean >= targetCosine && worst >= targetCosine - (gate.mean - gate.worst)
