import type { WordPosition } from '../../types.ts'

export const isBehind = (row: WordPosition, place: WordPosition): boolean =>
  row.score < place.score || (row.score === place.score && row.assetId > place.assetId)

export const byPosition = (a: WordPosition, b: WordPosition): number => (isBehind(a, b) ? 1 : -1)
