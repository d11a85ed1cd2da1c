/** Derives both towers of a model, judges them together and writes the record. */
import { thisMachine, type VariantRecord, writeRecord } from '../registry/derived.ts'
import { type ModelSpec, type Precision, type Tower, towers } from '../registry/spec.ts'
import { calibrationSet } from './calibration-set.ts'
import { chooseTowers } from './choose-towers.ts'
import type { DeriveOptions } from './derive-file.ts'
import { deriveTower, notDerived, type TowerResult } from './derive-tower.ts'
import { agreementProblem, gate, overlap } from './gate.ts'

export interface DeriveModelOptions extends DeriveOptions {
  cacheFolder: string
}

/** @throws ModelFolderError when the model's own files do not load */
export async function deriveModel(
  spec: ModelSpec,
  base: string,
  options: DeriveModelOptions,
): Promise<VariantRecord> {
  const { precision } = spec.files
  const record = precision === 'fp32' ? await derive(spec, base, options) : refused(precision)
  await writeRecord(options.cacheFolder, spec.revision, options.provider, record)
  return record
}

function refused(precision: Precision): VariantRecord {
  const tower = notDerived(`the model's files are ${precision}; variants are derived from fp32`)
  return {
    machine: thisMachine(),
    towers: { vision: tower, text: tower },
    ...{ shortTexts: false, overlap: 1, sameSpace: true },
  }
}

async function derive(spec: ModelSpec, base: string, options: DeriveModelOptions): Promise<VariantRecord> {
  const calibration = await calibrationSet()
  const results = {} as Record<Tower, TowerResult>
  for (const tower of towers) {
    options.signal?.throwIfAborted()
    results[tower] = await deriveTower(spec, tower, calibration, base, options)
  }
  const vectors = (tower: Tower, derived: readonly Tower[]) =>
    results[tower].vectors[derived.includes(tower) ? 'derived' : 'fp32']
  const ranking = (derived: readonly Tower[]) => ({
    prompts: vectors('text', derived),
    images: vectors('vision', derived),
  })
  const overlapOf = (derived: readonly Tower[]) => overlap(ranking([]), ranking(derived))
  const found = { vision: results.vision.derived, text: results.text.derived }
  const withFile = towers.filter((tower) => found[tower].file)
  const total = overlapOf(withFile)
  return {
    machine: thisMachine(),
    shortTexts: results.text.shortTexts,
    towers: chooseTowers(found, overlapOf),
    overlap: total,
    sameSpace: total >= gate.overlap && withFile.every((tower) => !agreementProblem(found[tower].cosine!)),
  }
}
