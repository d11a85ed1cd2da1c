/** The calibration set as batches for the session of one tower. */
import type { SessionInput } from '../encode/encoder-session.ts'
import { loadTokenizer } from '../encode/tokenizer.ts'
import { defaultLimits } from '../images/open.ts'
import { decodePixels } from '../images/preprocess.ts'
import type { ModelSpec, Tower } from '../registry/spec.ts'
import type { CalibrationSet } from './calibration-set.ts'

/** As a server batches them. */
const batchSize = 8

/** Images or texts in batches; texts padded to the longest of their batch where the model allows it. */
export async function towerInputs(
  spec: ModelSpec,
  tower: Tower,
  { images, prompts }: CalibrationSet,
  shortTexts: boolean,
): Promise<SessionInput[]> {
  if (tower === 'vision') {
    const pixels = await Promise.all(images.map((bytes) => decodePixels(bytes, spec.image, defaultLimits)))
    return batches(pixels).map((batch) => ({ kind: 'pixels', pixels: batch }))
  }
  const tokenizer = await loadTokenizer(spec)
  const { padLength, padTo } = spec.text
  const short = shortTexts && padTo === 'longest'
  return batches(prompts.map((text) => tokenizer.encode(text))).map((rows) => ({
    kind: 'tokens',
    rows,
    length: Math.max(...rows.map(({ length }) => length), short ? 0 : padLength),
  }))
}

export const rowsOf = (input: SessionInput): number =>
  input.kind === 'pixels' ? input.pixels.length : input.rows.length

/** An input of two rows or more as two. */
export function halve(input: SessionInput): [SessionInput, SessionInput] {
  const middle = rowsOf(input) >> 1
  const part = (from: number, to?: number): SessionInput =>
    input.kind === 'pixels'
      ? { ...input, pixels: input.pixels.slice(from, to) }
      : { ...input, rows: input.rows.slice(from, to) }
  return [part(0, middle), part(middle)]
}

const batches = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / batchSize) }, (_, i) =>
    items.slice(i * batchSize, (i + 1) * batchSize),
  )
