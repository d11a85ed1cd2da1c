/** Sessions of one side, opened for measuring alone. */

import { type EncodeSession, loadSession, sessionSettings } from '../encode/model.ts'
import { decodePixels } from '../encode/pixels.ts'
import type { SessionInput } from '../encode/protocol.ts'
import { loadTokenizer } from '../encode/tokenizer.ts'
import { spreadVectors } from '../encode/vectors.ts'
import type { ModelFiles, ModelSpec } from '../registry/spec.ts'
import { defaultLimits } from '../sources/picture.ts'
import type { Examples } from './examples.ts'
import type { Side } from './record.ts'

/** A side's inputs, ready for its session. */
export type Inputs = SessionInput[]

const rowsOf = (input: SessionInput) => (input.kind === 'pixels' ? input.pixels.length : input.rows.length)

/** Pictures in eights, texts of one length together. */
export async function inputsOf(
  spec: ModelSpec,
  side: Side,
  { pictures, prompts }: Examples,
): Promise<Inputs> {
  if (side === 'vision') {
    const pixels = await Promise.all(pictures.map((bytes) => decodePixels(bytes, spec.image, defaultLimits)))
    return Array.from({ length: Math.ceil(pixels.length / 8) }, (_, i) => ({
      kind: 'pixels' as const,
      pixels: pixels.slice(i * 8, i * 8 + 8),
    }))
  }
  const tokenizer = await loadTokenizer(spec)
  const { maxTokens } = spec.text
  return prompts.map((text) => ({ kind: 'tokens', rows: [tokenizer.encode(text)], length: maxTokens }))
}

/** Unit vectors of the inputs, in order; zeros where the graph gives none that is finite. @throws Error when the side does not run */
export async function vectorsOf(
  session: EncodeSession,
  inputs: Inputs,
  onProgress: (done: number, of: number) => void = () => {},
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (const [i, input] of inputs.entries()) {
    onProgress(i + 1, inputs.length)
    const { output } = await session.run(input)
    const rows = rowsOf(input)
    for (const vector of spreadVectors(output, rows))
      vectors.push(vector instanceof Error ? new Float32Array(output.length / rows) : vector)
  }
  return vectors
}

export const openSide = (spec: ModelSpec, files: ModelFiles, side: Side): Promise<EncodeSession> =>
  loadSession(sessionSettings({ ...spec, files, variant: null }, side, { provider: 'cpu' }))

/** Median seconds of each session on the same input, run in turns. */
export async function race(
  sessions: readonly EncodeSession[],
  input: SessionInput,
  rounds = 7,
): Promise<number[]> {
  const times: number[][] = sessions.map(() => [])
  for (let round = 0; round < rounds; round++)
    for (const [i, session] of sessions.entries()) times[i]!.push((await session.run(input)).seconds)
  return times.map((of) => of.sort((a, b) => a - b)[of.length >> 1]!)
}
