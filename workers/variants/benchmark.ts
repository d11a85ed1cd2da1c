/** Sessions of one tower, opened for measuring alone. */

import { splitVectors } from '../encode/collate.ts'
import type { SessionInput } from '../encode/encoder-session.ts'
import { loadTokenizer } from '../encode/tokenizer.ts'
import { type EncodeSession, loadTowerSession, sessionThreads } from '../encode/tower-session.ts'
import { defaultLimits } from '../images/open.ts'
import { decodePixels } from '../images/preprocess.ts'
import type { ModelFiles, ModelSpec, Tower } from '../registry/spec.ts'
import type { Provider } from '../runtime/provider.ts'
import type { Examples } from './calibration-set.ts'

/** A tower's inputs, ready for its session. */
export type Inputs = SessionInput[]

const batch = 8

const inEights = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / batch) }, (_, i) => items.slice(i * batch, i * batch + batch))

const rowsOf = (input: SessionInput) => (input.kind === 'pixels' ? input.pixels.length : input.rows.length)

/** Images and texts in eights, as a server batches them; texts padded to the longest where the model allows it. */
export async function inputsOf(
  spec: ModelSpec,
  tower: Tower,
  { images, prompts }: Examples,
  shortTexts: boolean,
): Promise<Inputs> {
  if (tower === 'vision') {
    const pixels = await Promise.all(images.map((bytes) => decodePixels(bytes, spec.image, defaultLimits)))
    return inEights(pixels).map((some) => ({ kind: 'pixels', pixels: some }))
  }
  const tokenizer = await loadTokenizer(spec)
  const { maxTokens, padTo } = spec.text
  const short = shortTexts && padTo === 'longest'
  return inEights(prompts.map((text) => tokenizer.encode(text))).map((rows) => ({
    kind: 'tokens',
    rows,
    length: short ? Math.max(...rows.map(({ length }) => length)) : maxTokens,
  }))
}

function halves(input: SessionInput): SessionInput[] {
  const middle = rowsOf(input) >> 1
  return input.kind === 'pixels'
    ? [0, middle].map((from) => ({ ...input, pixels: input.pixels.slice(from, from ? undefined : middle) }))
    : [0, middle].map((from) => ({ ...input, rows: input.rows.slice(from, from ? undefined : middle) }))
}

/** Inputs that the session takes: some graphs have a batch of one written into them. @throws Error when the tower does not run */
export async function fitted(session: EncodeSession, inputs: Inputs): Promise<Inputs> {
  try {
    await session.run(inputs[0]!)
    return inputs
  } catch (error) {
    if (rowsOf(inputs[0]!) === 1) throw error
    return fitted(
      session,
      inputs.flatMap((input) => (rowsOf(input) > 1 ? halves(input) : [input])),
    )
  }
}

/** Unit vectors of the inputs, in order; zeros where the graph gives none that is finite. @throws Error when the tower does not run */
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
    for (const vector of splitVectors(output, rows))
      vectors.push(vector instanceof Error ? new Float32Array(output.length / rows) : vector)
  }
  return vectors
}

/**
 * One session with the threads that a server gives one on the model's own files: two on files in 8 bits do more than is
 * measured so. @throws ModelFolderError
 */
export const openSide = (
  spec: ModelSpec,
  files: ModelFiles,
  tower: Tower,
  provider: Provider,
): Promise<EncodeSession> => {
  const plain = { ...spec, files, variants: [] }
  return loadTowerSession(plain, tower, { provider, threads: sessionThreads(plain, tower, { provider })[0] })
}

/** Median seconds of each session on the same input, run in turns; first each once, which compiles what is compiled. */
export async function race(
  sessions: readonly EncodeSession[],
  input: SessionInput,
  rounds = 9,
): Promise<number[]> {
  const times: number[][] = sessions.map(() => [])
  for (let round = 0; round <= rounds; round++)
    for (const [i, session] of sessions.entries()) {
      const { seconds } = await session.run(input)
      if (round > 0) times[i]!.push(seconds)
    }
  return times.map((of) => of.sort((a, b) => a - b)[of.length >> 1]!)
}
