/** Changes of labels that depend on what a row has: made anew where another call was faster, so none is lost. */
import type { AssetChange, AssetPatch, AssetRow } from '../../prisma/types.ts'
import type { Context } from '../core/context.ts'

/** Rows of one statement: where the database is embedded, others wait meanwhile. */
const rowsAtOnce = 250

export interface UpdatedRow {
  row: AssetRow
  /** Fields that have another value now. */
  changed: (keyof AssetPatch)[]
}

/**
 * Updates rows with what `patch` makes of each as it is now. Rows that nothing changes stay untouched, with their
 * updatedAt; those for which it throws, or that are deleted meanwhile, are absent.
 * @param onError called with what `patch` throws for a row
 */
export async function updateEach(
  rows: readonly AssetRow[],
  patch: (row: AssetRow) => AssetPatch,
  { database, library }: Pick<Context, 'database' | 'library'>,
  onError: (row: AssetRow, error: unknown) => void,
): Promise<Map<string, UpdatedRow>> {
  const done = new Map<string, UpdatedRow>()
  for (let from = 0; from < rows.length; from += rowsAtOnce) {
    let waiting = rows.slice(from, from + rowsAtOnce)
    while (waiting.length > 0) {
      const changes: AssetChange[] = []
      for (const row of waiting) {
        try {
          const change = { row, patch: patch(row) }
          if (changedFields(change).length > 0) changes.push(change)
          else done.set(row.id, { row, changed: [] })
        } catch (error) {
          onError(row, error)
        }
      }
      if (changes.length === 0) break
      const before = new Map(changes.map((change) => [change.row.id, change]))
      for (const row of await library.updateEach(changes)) {
        done.set(row.id, { row, changed: changedFields({ row: before.get(row.id)!.row, patch: row }) })
        before.delete(row.id)
      }
      waiting = [...(await database.assets.byIds([...before.keys()])).values()]
    }
  }
  return done
}

const fields = ['name', 'title', 'description', 'tags', 'collections', 'takenAt'] as const

/** Fields of a patch whose value is not the row's. */
function changedFields({ row, patch }: AssetChange): (keyof AssetPatch)[] {
  return fields.filter((field) => {
    const value = patch[field]
    return value !== undefined && JSON.stringify(value) !== JSON.stringify(row[field])
  })
}
