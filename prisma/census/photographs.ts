/**
 * Which images look like photographs: by type, size and bits a pixel, for a photograph is what compresses badly. Nothing is
 * decoded, so it costs a library of any age one scan of its rows. `npx node test/bench/photographs.ts FOLDER...` measures it.
 */
import type pg from 'pg'
import { mapDriverErrors } from '../errors.ts'
import type { AssetRow, Census } from '../types.ts'

interface Rule {
  mimeTypes: readonly string[]
  /** Bits a pixel, from which on an image of 750,000 pixels looks like a photograph. */
  bits: number
  /** How the bound grows as images shrink: bits x (750,000 / pixels) ^ grows. */
  grows: number
  /** Of smaller images the type says too little: small artwork is kept without loss, too. */
  leastPixels: number
}

const rules: readonly Rule[] = [
  { mimeTypes: ['image/jpeg'], bits: 0.4, grows: 0.3, leastPixels: 0 },
  { mimeTypes: ['image/png', 'image/tiff'], bits: 6, grows: 0, leastPixels: 10_000 },
  { mimeTypes: ['image/webp'], bits: 0.4, grows: 0.3, leastPixels: 250_000 },
  { mimeTypes: ['image/avif'], bits: 0.3, grows: 0.3, leastPixels: 250_000 },
  // Cameras alone write it.
  { mimeTypes: ['image/heic', 'image/heif'], bits: 0, grows: 0, leastPixels: 0 },
]

const reference = 750_000

export function looksLikePhotograph({
  mimeType,
  bytes,
  width,
  height,
}: Pick<AssetRow, 'mimeType' | 'bytes' | 'width' | 'height'>): boolean {
  const rule = rules.find(({ mimeTypes }) => mimeTypes.includes(mimeType))
  const pixels = width * height
  if (!rule || pixels < rule.leastPixels) return false
  return (8 * bytes) / pixels >= rule.bits * (reference / pixels) ** rule.grows
}

/** The same in SQL. */
const condition = rules
  .map(({ mimeTypes, bits, grows, leastPixels }) => {
    const types = mimeTypes.map((type) => `'${type}'`).join(', ')
    return `("mimeType" IN (${types}) AND pixels >= ${leastPixels} AND 8.0 * "bytes" / pixels >= ${bits} * power(${reference} / pixels, ${grows}))`
  })
  .join('\n OR ')

export class PgCensus implements Census {
  readonly #pool: pg.Pool

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async photographs(): Promise<{ photographs: number; total: number }> {
    const { rows } = await mapDriverErrors(() =>
      this.#pool.query<{ photographs: number; total: number }>(
        `SELECT count(*)::int AS total, (count(*) FILTER (WHERE ${condition}))::int AS photographs
         FROM (SELECT "mimeType", "bytes", greatest(1.0, "width"::float8 * "height") AS pixels FROM "Asset") AS a`,
      ),
    )
    return rows[0]!
  }
}
