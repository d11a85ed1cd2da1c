import { characters, cleanLabels, type Labels } from '../../workers/ingest/labels/texts.ts'
import { limits } from '../../workers/limits.ts'

const lengths = {
  name: limits.nameLength,
  title: limits.titleLength,
  description: limits.descriptionLength,
  collection: limits.collectionLength,
} as const

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
  return null
}
