/** Tells whether a model still gives the vectors of its references. */
import { ItemError } from '../../errors.ts'
import type { ModelSpec, Precision } from '../../registry/spec.ts'
import { dot } from '../../similarity/vectors.ts'
import { digestsOf, type Encode, readReferences } from './references.ts'

export interface Verification {
  /** Whether the model's files are the recorded ones and give the recorded vectors. */
  ok: boolean
  /** The lowest cosine and its reference; null when nothing was encoded. */
  lowest: { cosine: number; name: string } | null
  /** The cosine that every reference must reach. */
  required: number
  /** Sentences for people. */
  problems: string[]
}

/** The minimum cosine with recorded vectors, lower where quantisation moves them. */
const required: Record<Precision, number> = {
  fp32: 0.999,
  fp16: 0.999,
  int8: 0.9,
  uint8: 0.9,
  q4: 0.9,
  q4f16: 0.9,
  bnb4: 0.9,
}

/** Encodes a model's references again and compares its files. Null when the model has no references yet. */
export async function verifyModel(spec: ModelSpec, encode: Encode): Promise<Verification | null> {
  const stored = await readReferences(spec)
  if (!stored) return null
  const problems: string[] = []
  // Weights of another precision than the recorded one have no digest to compare with.
  for (const [file, digest] of Object.entries(await digestsOf(spec)))
    if (stored.digests[file] !== undefined && stored.digests[file] !== digest)
      problems.push(
        `${file} has changed since the references were recorded: pull the model again, or remove references.json if the change was meant.`,
      )
  const results = await encode(stored.references.map(({ input }) => input))
  let lowest: Verification['lowest'] = null
  for (const [i, { name, vector }] of stored.references.entries()) {
    const result = results[i]!
    const similarity =
      result instanceof ItemError
        ? result
        : vector.length === result.vector.length
          ? dot(vector, result.vector)
          : 0
    if (similarity instanceof ItemError) problems.push(`${name} is not encoded: ${similarity.message}`)
    else if (!lowest || similarity < lowest.cosine) lowest = { cosine: similarity, name }
  }
  const bound = required[spec.files.precision]
  if (lowest && !(lowest.cosine >= bound))
    problems.push(
      `${lowest.name} has cosine ${lowest.cosine.toFixed(5)} with its reference; ${bound} is needed.`,
    )
  return { ok: problems.length === 0, lowest, required: bound, problems }
}
