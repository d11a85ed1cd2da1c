import { echoed } from '../../workers/errors.ts'
import { stepsOf } from '../../workers/ingest/labels/collections.ts'
import { cleanLabels, type Labels } from '../../workers/ingest/labels/labels.ts'
import { characters } from '../../workers/ingest/labels/texts.ts'
import { limits } from '../../workers/limits.ts'

const lengths = {
  name: limits.nameLength,
  title: limits.titleLength,
  description: limits.descriptionLength,
} as const

export const collectionsDescription = `At most ${limits.collections} paths, such as "Brand/2025/Logos": each of at most ${limits.collectionLength} characters and ${limits.collectionDepth} levels, told apart regardless of case.`

export const takenAtDescription =
  'When it was taken. A moment of an unknown time zone is given as if it were in UTC, as those of files are.'

/** What is wrong with the texts of an asset, as they will be stored, or null. */
export function complaint(given: Labels): string | null {
  const texts = cleanLabels(given)
  for (const [field, limit] of Object.entries(lengths)) {
    const length = characters(texts[field as keyof typeof lengths] ?? '')
    if (length > limit) return `${field} has ${length} characters; at most ${limit} are kept.`
  }
  const { tags } = texts
  if (tags && tags.length > limits.tags)
    return `There are ${tags.length} tags; at most ${limits.tags} are kept.`
  for (const tag of tags ?? []) {
    if (tag === '') return 'A tag is empty. Leave it out.'
    const length = characters(tag)
    if (length > limits.tagLength)
      return `A tag has ${length} characters; at most ${limits.tagLength} are kept.`
  }
  return complaintOfCollections(texts.collections ?? [])
}

function complaintOfCollections(collections: readonly string[]): string | null {
  if (collections.length > limits.collections)
    return `There are ${collections.length} collections; at most ${limits.collections} are kept.`
  for (const path of collections) {
    if (path === '') return 'A collection is empty. Leave it out.'
    const length = characters(path)
    if (length > limits.collectionLength)
      return `A collection has ${length} characters; at most ${limits.collectionLength} are kept, those of the ones above it among them.`
    const depth = stepsOf(path).length
    if (depth > limits.collectionDepth)
      return `The collection "${echoed(path)}" is ${depth} levels deep; at most ${limits.collectionDepth} are kept.`
  }
  return null
}
