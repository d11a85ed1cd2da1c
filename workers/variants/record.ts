/** What is known of the variants that were derived from a model, kept beside them in the cache. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import type { ModelSpec } from '../registry/spec.ts'

/** Raised when the same model would give other files, or be judged otherwise. */
const derivation = 4

/** Which files serve a model: `auto` takes the derived ones where they pass the gate and are faster here. */
export type VariantChoice = 'auto' | 'fp32' | 'int8'

export type Side = 'vision' | 'text'
export const sides: readonly Side[] = ['vision', 'text']

/** How well vectors agree with those of the fp32 file. */
export interface Agreement {
  mean: number
  worst: number
}

/** One side of a model, derived. */
export interface DerivedSide {
  /** Name of the file, null when the side cannot be derived. */
  file: string | null
  bytes: number
  /** Products in 8 bits, and those that were left in float because they hurt. */
  quantized: number
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
  sides: Record<Side, DerivedSide>
  /** What the fp32 text side said of texts that are padded to their own length. */
  shortTexts: boolean
  /** Share of the ten best pictures that fp32 and all derived sides together have in common, mean over prompts. */
  overlap: number
  /** Whether all derived sides together give vectors that may stand beside those of the fp32 file. */
  comparable: boolean
}

/** Where a model's derived files are: `NAME-int8-vision.onnx` and so on. */
export const variantBase = (cacheFolder: string, revision: string): string =>
  path.join(cacheFolder, 'variants', `${revision}-${derivation}`)

export const thisMachine = (): string =>
  [os.cpus()[0]?.model.trim(), os.availableParallelism(), process.arch, ort.env.versions.node].join(', ')

/** Null when there is none, or it was made elsewhere: speed is another there. */
export async function readRecord(cacheFolder: string, revision: string): Promise<VariantRecord | null> {
  const text = await readFile(`${variantBase(cacheFolder, revision)}.json`, 'utf8').catch(() => null)
  if (!text) return null
  try {
    const record = JSON.parse(text) as VariantRecord
    return record.machine === thisMachine() ? record : null
  } catch {
    return null
  }
}

/** With it the files beside it are whole. */
export async function writeRecord(
  cacheFolder: string,
  revision: string,
  record: VariantRecord,
): Promise<void> {
  const file = `${variantBase(cacheFolder, revision)}.json`
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify(record, null, 1)}\n`)
  await rename(`${file}.${process.pid}`, file)
}

/**
 * The model with the derived files that were chosen: by hand all there are, else those that pass the gate and are
 * faster here. Vectors that may not stand beside those of the fp32 file are of a revision of their own.
 */
export async function withVariant(
  spec: ModelSpec,
  choice: VariantChoice,
  cacheFolder: string,
): Promise<ModelSpec> {
  const { revision, files } = spec
  const record = choice === 'fp32' ? null : await readRecord(cacheFolder, revision)
  if (!record) return spec
  const wanted = sides.filter((side) => {
    const { file, reason } = record.sides[side]
    return file && (choice === 'int8' || !reason)
  })
  if (wanted.length === 0) return spec
  const folder = path.dirname(variantBase(cacheFolder, revision))
  const of = (side: Side) => {
    const own = files.kind === 'combined' ? files.model : files[side]
    return wanted.includes(side) ? path.join(folder, record.sides[side].file!) : own
  }
  return {
    ...spec,
    revision: choice === 'int8' && !record.comparable ? `${revision}-int8` : revision,
    variant: {
      name: 'int8',
      sides: wanted,
      shortTexts: record.shortTexts,
      files: { kind: 'separate', vision: of('vision'), text: of('text'), precision: files.precision },
    },
  }
}
