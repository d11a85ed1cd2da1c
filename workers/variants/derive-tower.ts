/** Derives one tower, or finds out why that cannot be done. */
import { GraphError, ModelFolderError } from '../errors.ts'
import type { DerivedTower } from '../registry/derived.ts'
import type { ModelSpec, Tower } from '../registry/spec.ts'
import type { CalibrationSet } from './calibration-set.ts'
import { counter, type DeriveOptions, deriveFile, things } from './derive-file.ts'
import { prepare } from './rewrite/prepare.ts'
import { towerInputs } from './tower-inputs.ts'
import { fitInputs, openTower, vectorsOf } from './tower-session.ts'

/** A derived tower, and the vectors of the calibration set that the gate compares. */
export interface TowerResult {
  derived: DerivedTower
  /** Whether the fp32 file gives short texts the same vector however they are padded. */
  shortTexts: boolean
  vectors: { fp32: Float32Array[]; derived: Float32Array[] }
}

/**
 * The file is `BASE-TOWER.onnx`. A tower that cannot be derived has a reason instead: the model's own file goes on
 * serving, whatever is wrong with the derived one.
 * @throws ModelFolderError when the model's own tower does not load; errors of the disk
 */
export async function deriveTower(
  spec: ModelSpec,
  tower: Tower,
  calibration: CalibrationSet,
  base: string,
  options: DeriveOptions,
): Promise<TowerResult> {
  const { provider, signal } = options
  // First: rewriting takes several copies of the tower, and so does a session.
  const graph = await prepare(spec, tower, provider).catch((error: Error) => error)
  const session = await openTower(spec, spec.files, tower, provider)
  try {
    const { shortTexts } = session.ready
    const inputs = await fitInputs(session, await towerInputs(spec, tower, calibration, shortTexts))
    const fp32 = await vectorsOf(session, inputs, counter(`${things[tower]} in fp32`, options))
    try {
      if (graph instanceof Error) throw graph
      const own = { spec, tower, graph, session, inputs, fp32 }
      const { derived, vectors } = await deriveFile(own, `${base}-${tower}.onnx`, options)
      return { shortTexts, derived, vectors: { fp32, derived: vectors } }
    } catch (error) {
      signal?.throwIfAborted()
      // A full disk says nothing of the model: the next start tries again.
      if ((error as NodeJS.ErrnoException).syscall) throw error
      return { shortTexts, derived: notDerived(problemOf(error)), vectors: { fp32, derived: fp32 } }
    }
  } finally {
    await session.close()
  }
}

/** The entry of a tower without a derived file. */
export const notDerived = (reason: string): DerivedTower => ({
  ...{ file: null, bytes: 0, rewritten: 0, kept: [], cosine: null, speedup: 1, reason },
})

function problemOf(error: unknown): string {
  if (error instanceof GraphError) return error.message
  const reason = error instanceof ModelFolderError ? error.reason : (error as Error).message
  return `it does not run (${reason})`
}
