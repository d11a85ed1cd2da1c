/** A library of clustered vectors for benchmarks of search, loaded straight into a database. */
import pg from 'pg'
import { startEmbedded } from '../../prisma/embedded/start.ts'
import { openDatabase } from '../../prisma/open.ts'
import { encodeVectors } from '../../prisma/vectors/sql.ts'
import { uniform } from '../../workers/random.ts'

export const dimensions = 512
export const revision = 'bench0512'
export const space = { revision, name: 'bench', dimensions }

export interface SearchData {
  /** Row i belongs to the asset `assetIdOf(i)`. */
  vectors: Float32Array[]
  queries: Float32Array[]
}

export const assetIdOf = (row: number) => `asset_${String(row).padStart(26, '0')}`
/** Tags that keep one row of a hundred and of ten, spread over all clusters. */
export const tagsOf = (row: number) => [
  ...(row % 100 === 37 ? ['percent'] : []),
  ...(row % 10 === 3 ? ['tenth'] : []),
]

/** `rows` vectors around rows/100 random centres, and queries around the same; L2-normalised, always the same. */
export function clustered(rows: number, queryCount = 200): SearchData {
  const random = uniform(7)
  const centres = Array.from({ length: Math.ceil(rows / 100) }, () => gaussian(random))
  const near = () => {
    const centre = centres[Math.floor(random() * centres.length)]!
    const noise = gaussian(random)
    return normalised(centre.map((value, i) => value + 0.8 * noise[i]!))
  }
  return {
    vectors: Array.from({ length: rows }, near),
    queries: Array.from({ length: queryCount }, near),
  }
}

function gaussian(random: () => number): Float32Array {
  const values = new Float32Array(dimensions)
  for (let i = 0; i < dimensions; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()))
    values[i] = radius * Math.cos(2 * Math.PI * random())
    values[i + 1] = radius * Math.sin(2 * Math.PI * random())
  }
  return values
}

function normalised(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

/** What a server or `openDatabase` is given to stand on this data. */
export interface Place {
  home: string
  url: string | null
}

/**
 * Fills an empty database and builds the index; `progress` is told how many rows are in.
 * On PostgreSQL the index is built after the rows, on the embedded database it grows with them.
 */
export async function load(
  { vectors }: SearchData,
  { home, url }: Place,
  progress: (rows: number) => void = () => {},
): Promise<void> {
  const database = await openDatabase({ home, url })
  if (!url) await database.vectors.register(space)
  await database.close()

  const embedded = url ? null : await startEmbedded({ home })
  const pool = new pg.Pool(embedded?.connection ?? { connectionString: url! })
  const { rows } = await pool.query(`SELECT 'vector'::regtype::oid::int AS oid`)
  for (let from = 0; from < vectors.length; from += 500) {
    const part = vectors.slice(from, from + 500)
    const rowsOf = part.map((_, i) => from + i)
    const ids = rowsOf.map(assetIdOf)
    await pool.query(
      `INSERT INTO "Asset" ("id", "contentHash", "name", "tags", "mimeType", "bytes", "width", "height", "status")
       SELECT id, id, 'image', string_to_array(tags, ','), 'image/png', 1, 640, 480, 'READY' FROM unnest($1::text[], $2::text[]) AS given(id, tags)`,
      [ids, rowsOf.map((row) => tagsOf(row).join(','))],
    )
    await pool.query(
      'INSERT INTO "AssetVector" ("assetId", "revision", "v") SELECT id, $2, v FROM unnest($1::text[], $3::vector[]) AS given(id, v)',
      [ids, revision, encodeVectors(part, rows[0].oid)],
    )
    progress(from + part.length)
  }
  await pool.query('ANALYZE "Asset", "AssetVector"')
  await pool.end()
  await embedded?.close()

  const indexed = await openDatabase({ home, url })
  await indexed.vectors.register(space)
  await indexed.close()
}
