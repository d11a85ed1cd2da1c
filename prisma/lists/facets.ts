/**
 * What images are counted by. A facet is a row of the table: SQL that counts the images of "kept" (columns of "Asset",
 * those of `columns`) as (key, label, count). A facet that triggers keep up to date is also in "AssetCount", under its name.
 */
import type { FacetName } from '../types.ts'

export interface Facet {
  /** Of "Asset" as `a`, that its SQL reads. */
  columns: readonly string[]
  counts: string
  /** Whether the triggers of the migrations count it, so that it is exact over the whole library. */
  kept: boolean
}

/** Of one value of each image. */
const byValue = (value: string) =>
  `SELECT value AS key, value AS label, count(*) AS count FROM (SELECT ${value} AS value FROM kept) AS one WHERE value IS NOT NULL GROUP BY value`

export const facets: Record<FacetName, Facet> = {
  // Folded after they are counted: there are fewer of them then.
  tags: {
    columns: ['tags'],
    counts: `SELECT limn_fold(tag) AS key, tag AS label, count(*) AS count FROM kept CROSS JOIN LATERAL unnest(kept."tags") AS one(tag) GROUP BY tag`,
    kept: true,
  },
  // An image counts once for a collection, also where it lies in several below it.
  collections: {
    columns: ['collections'],
    counts: `SELECT one.key, one.label, sum(lists.count) AS count
      FROM (SELECT "collections", count(*) AS count FROM kept GROUP BY "collections") AS lists
      CROSS JOIN LATERAL (
        SELECT path.key, min(path.label) AS label
        FROM unnest(limn_collection_paths(lists."collections"), limn_collection_labels(lists."collections")) AS path(key, label)
        GROUP BY path.key
      ) AS one GROUP BY one.key, one.label`,
    kept: true,
  },
  types: { columns: ['mimeType'], counts: byValue('"mimeType"'), kept: true },
  orientation: {
    columns: ['width', 'height'],
    counts: byValue(
      `CASE sign("width" - "height") WHEN 1 THEN 'LANDSCAPE' WHEN 0 THEN 'SQUARE' ELSE 'PORTRAIT' END`,
    ),
    kept: true,
  },
  aspect: { columns: ['width', 'height'], counts: byValue('limn_aspect("width", "height")'), kept: true },
  years: {
    columns: ['takenAt'],
    counts: byValue(`to_char("takenAt" AT TIME ZONE 'UTC', 'YYYY')`),
    kept: true,
  },
  statuses: { columns: ['status'], counts: byValue('"status"::text'), kept: true },
}
