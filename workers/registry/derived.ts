/** What is known of the variants that were derived from a model, kept beside them in the cache. */

import { createHash } from 'node:crypto'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { withDraft } from '../fs/write.ts'
import type { Provider } from '../runtime/provider.ts'
import { type ModelSpec, type Tower, towers, type Variant } from './spec.ts'

/** Raised when the same model would give other files, or be judged otherwise. */
export const variantVersion = 5

/** Which files serve a model: `auto` takes the derived ones where they pass the gate and are faster here. */
export type VariantChoice = 'auto' | 'fp32' | Variant['name']

/** What files for a provider compute in: CPUs are fastest in 8 bits, GPUs in half precision. */
export const precisionFor = (provider: Provider): Variant['name'] => (provider === 'cpu' ? 'int8' : 'fp16')

/** How well vectors agree with those of the fp32 file. */
export interface Agreement {
  mean: number
  worst: number
}

/** One tower of a model, derived. */
export interface DerivedTower {
  /** Name of the file, null when the tower cannot be derived. */
  file: string | null
  bytes: number
  /** Products that were rewritten, and those that were left in float because they hurt. */
  rewritten: number
  kept: string[]
  cosine: Agreement | null
  /** Times as fast as the fp32 file on this machine. */
  speedup: number
  /** Why it is not taken, null when it is. */
  reason: string | null
}

export interface VariantRecord {
  /** Where the speed was measured. */
  machine: string
  towers: Record<Tower, DerivedTower>
  /** What the fp32 text tower said of texts that are padded to their own length. */
  shortTexts: boolean
  /** Share of the ten best images that fp32 and all derived towers together have in common, mean over prompts. */
  overlap: number
  /** Whether all derived towers together give vectors that may stand beside those of the fp32 file. */
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
 * of their own: speed is another on each, and so can be what rounding leaves.
 */
export const variantBase = (cacheFolder: string, revision: string, provider: Provider): string =>
  path.join(cacheFolder, 'variants', `${revision}-${variantVersion}-${provider}-${machineDigest}`)

/** Null when there is none, or files that it names are not there as they were written. */
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
      if (file && (await stat(path.join(path.dirname(base), file))).size !== bytes) return null
    }
    return record
  } catch {
    return null
  }
}

/** With it the files beside it are whole. */
export async function writeRecord(
  cacheFolder: string,
  revision: string,
  provider: Provider,
  record: VariantRecord,
): Promise<void> {
  const file = `${variantBase(cacheFolder, revision, provider)}.json`
  await withDraft(file, (draft) => writeFile(draft, `${JSON.stringify(record, null, 1)}\n`, { flush: true }))
}

/** Deletes the files of a variant that does not load, so that they are derived anew. */
export async function discardVariant({ files, towers: derived }: Variant): Promise<void> {
  if (files.kind === 'separate') for (const tower of derived) await rm(files[tower], { force: true })
}

/**
 * The model with the derived files that were chosen, for each of `among`: by hand all there are, else those that pass
 * the gate and are faster here. Vectors that may not stand beside those of the fp32 file are of a revision of their own,
 * so such files are taken only where `among` leaves no doubt what serves.
 */
export async function withVariants(
  spec: ModelSpec,
  choice: VariantChoice,
  cacheFolder: string,
  among: readonly Provider[],
): Promise<ModelSpec> {
  const found = await Promise.all(
    among.map(async (provider) => {
      if (choice !== 'auto' && choice !== precisionFor(provider)) return null
      const record = await readRecord(cacheFolder, spec.revision, provider)
      const variant = record && variantOf(spec, record, provider, choice, cacheFolder)
      return variant && (variant.sameSpace || among.length === 1) ? variant : null
    }),
  )
  const variants = found.filter((variant) => variant !== null)
  const apart = variants.find(({ sameSpace }) => !sameSpace)
  return { ...spec, variants, revision: apart ? `${spec.revision}-${apart.name}` : spec.revision }
}

function variantOf(
  { files, revision }: ModelSpec,
  record: VariantRecord,
  provider: Provider,
  choice: VariantChoice,
  cacheFolder: string,
): Variant | null {
  const wanted = towers.filter((tower) => {
    const { file, reason } = record.towers[tower]
    return file && (choice !== 'auto' || !reason)
  })
  if (wanted.length === 0) return null
  const folder = path.dirname(variantBase(cacheFolder, revision, provider))
  const of = (tower: Tower) => {
    const own = files.kind === 'combined' ? files.model : files[tower]
    return wanted.includes(tower) ? path.join(folder, record.towers[tower].file!) : own
  }
  return {
    provider,
    name: precisionFor(provider),
    towers: wanted,
    // What passes the gate may stand beside fp32; `auto` takes nothing else.
    sameSpace: choice === 'auto' || record.sameSpace,
    shortTexts: record.shortTexts,
    files: { kind: 'separate', vision: of('vision'), text: of('text'), precision: files.precision },
  }
}
