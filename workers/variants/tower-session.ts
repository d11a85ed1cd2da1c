/** A session of one tower, for measuring alone. */

import { splitVectors } from '../encode/collate.ts'
import type { SessionInput } from '../encode/encoder-session.ts'
import { type EncodeSession, loadTowerSession, sessionThreads } from '../encode/tower-session.ts'
import type { ModelFiles, ModelSpec, Tower } from '../registry/spec.ts'
import type { Provider } from '../runtime/provider.ts'
import { halve, rowsOf } from './tower-inputs.ts'

/**
 * One session with the threads that a server gives a session of the model's own files. A server runs two sessions on
 * files in 8 bits, which do more than this one shows. @throws ModelFolderError
 */
export function openTower(
  spec: ModelSpec,
  files: ModelFiles,
  tower: Tower,
  provider: Provider,
): Promise<EncodeSession> {
  const plain = { ...spec, files, variants: [] }
  return loadTowerSession(plain, tower, { provider, threads: sessionThreads(plain, tower, { provider })[0] })
}

/** Smaller inputs where the session needs them: some graphs have a batch of one written into them. @throws Error when the tower does not run */
export async function fitInputs(session: EncodeSession, inputs: SessionInput[]): Promise<SessionInput[]> {
  try {
    await session.run(inputs[0]!)
    return inputs
  } catch (error) {
    if (rowsOf(inputs[0]!) === 1) throw error
    return fitInputs(
      session,
      inputs.flatMap((input) => (rowsOf(input) > 1 ? halve(input) : [input])),
    )
  }
}

/** Unit vectors of the inputs, in order; zeros where the graph gives none that is finite. @throws Error when the tower does not run */
export async function vectorsOf(
  session: EncodeSession,
  inputs: readonly SessionInput[],
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (const [i, input] of inputs.entries()) {
    onProgress(i + 1, inputs.length)
    const { output } = await session.run(input)
    const rows = rowsOf(input)
    for (const vector of splitVectors(output, rows))
      vectors.push(vector instanceof Error ? new Float32Array(output.length / rows) : vector)
  }
  return vectors
}
