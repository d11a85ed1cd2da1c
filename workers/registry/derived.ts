/** The record of a model's derived files: how good and how fast they are. It lies beside them in the cache. */

import { createHash } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { withDraft } from '../fs/write.ts'
import type { Provider } from '../runtime/provider.ts'
import { type Tower, towers, type Variant } from './spec.ts'

/** Raise it when the same model would give other files, or the gate would judge them otherwise. */
export const variantVersion = 6

/** The precision of files for a provider: CPUs are fastest in 8 bits, GPUs in half precision. */
export const precisionFor = (provider: Provider): Variant['name'] => (provider === 'cpu' ? 'int8' : 'fp16')

/** Cosines between vectors and those of the fp32 file. */
export interface Agreement {
  mean: number
  worst: number
}

/** One tower of a model, derived. */
export interface DerivedTower {
  /** Name of the file, null when the tower cannot be derived. */
  file: string | null
  bytes: number
  /** How many products were rewritten. */
  rewritten: number
  /** The products that stay in float because rounding them costs most. */
  kept: string[]
  cosine: Agreement | null
  /** Times as fast as the fp32 file on this machine. */
  speedup: number
  /** Why the gate refuses it, null when it passes. */
  reason: string | null
}

export interface VariantRecord {
  /** Where the speed was measured. */
  machine: string
  towers: Record<Tower, DerivedTower>
  /** Whether the fp32 text tower gives a text the same vector when it is padded to its own length only. */
  shortTexts: boolean
  /** Share of each prompt's ten best images that fp32 and all derived towers together agree on, mean over prompts. */
  overlap: number
  /** Whether vectors of all derived towers together are compatible with stored fp32 vectors. */
  sameSpace: boolean
}

const machine = [
  os.cpus()[0]?.model.trim(),
  os.availableParallelism(),
  process.arch,
  ort.env.versions.node,
].join(', ')
export const thisMachine = (): string => machine
const machineDigest = createHash('sha256').update(machine).digest('hex').slice(0, 8)

/**
 * Where a model's derived files for a provider are: `BASE-vision.onnx` and so on. Machines that share a cache have files
 * of their own: speed differs between them, and so may rounding.
 */
export const variantBase = (cacheFolder: string, revision: string, provider: Provider): string =>
  path.join(cacheFolder, 'variants', `${revision}-${variantVersion}-${provider}-${machineDigest}`)

/** Null when there is none or it is another model's, or a file that it names is gone or has another size. */
export async function readRecord(
  cacheFolder: string,
  revision: string,
  provider: Provider,
): Promise<VariantRecord | null> {
  const base = variantBase(cacheFolder, revision, provider)
  const text = await readFile(`${base}.json`, 'utf8').catch(() => null)
  if (!text) return null
  try {
    const record = JSON.parse(text) as VariantRecord
    for (const tower of towers) {
      const { file, bytes } = record.towers[tower]
      if (!file) continue
      if (!file.startsWith(path.basename(base))) return null
      if ((await stat(path.join(path.dirname(base), file))).size !== bytes) return null
    }
    return record
  } catch {
    return null
  }
}

/** Written last: where there is a record, the files beside it are whole. */
export async function writeRecord(
  cacheFolder: string,
  revision: string,
  provider: Provider,
  record: VariantRecord,
): Promise<void> {
  const file = `${variantBase(cacheFolder, revision, provider)}.json`
  await withDraft(file, (draft) => writeFile(draft, `${JSON.stringify(record, null, 1)}\n`, { flush: true }))
}

/** Deletes the files of a variant that does not load, so that the next start derives them anew. */
export async function discardVariant({ files, towers: derived }: Variant): Promise<void> {
  if (files.kind === 'separate') for (const tower of derived) await rm(files[tower], { force: true })
}
