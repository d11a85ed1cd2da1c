import type { AssetPatch, AssetRow } from '../../../prisma/types.ts'
import { joinCollections } from './collections.ts'
import type { Labels } from './labels.ts'
import { joinTags } from './texts.ts'

/** What becomes of labels that are given with an image that is there already, by name and meaning. */
export const duplicatePolicies = {
  MERGE: 'Tags and collections are united; title, description and date are filled in where there are none.',
  KEEP: 'The asset stays as it is.',
  REPLACE: 'What is given, name, tags, collections and date too, takes the place of what is there.',
} as const

export type DuplicatePolicy = keyof typeof duplicatePolicies

const texts = ['title', 'description'] as const

/** What changes in an asset by cleaned labels; empty where nothing does. */
export function labelPatch(asset: AssetRow, labels: Labels, policy: DuplicatePolicy): AssetPatch {
  const patch: AssetPatch = {}
  if (policy === 'KEEP') return patch
  const replace = policy === 'REPLACE'
  for (const field of texts) {
    const text = labels[field]
    if (text != null && text !== asset[field] && (replace || (text !== '' && !asset[field])))
      patch[field] = text
  }
  if (replace && labels.name && labels.name !== asset.name) patch.name = labels.name
  if (labels.tags) {
    const tags = replace ? joinTags(labels.tags) : joinTags(asset.tags, labels.tags)
    if (!isSame(tags, asset.tags)) patch.tags = tags
  }
  const { takenAt } = labels
  if (takenAt && takenAt.getTime() !== asset.takenAt?.getTime() && (replace || !asset.takenAt))
    patch.takenAt = takenAt
  if (labels.collections) {
    const there = replace ? [] : asset.collections
    const collections = joinCollections(there, labels.collections)
    if (!isSame(collections, asset.collections)) patch.collections = collections
  }
  return patch
}

const isSame = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((text, n) => text === b[n])
