import { limits } from '../../workers/limits.ts'

export interface AssetTexts {
  name?: string | null
  title?: string | null
  description?: string | null
  tags?: readonly string[] | null
  collection?: string | null
}

const lengths = {
  name: limits.nameLength,
  title: limits.titleLength,
  description: limits.descriptionLength,
  collection: limits.collectionLength,
} as const

/** What is wrong with the texts of an asset, or null. */
export function complaint(texts: AssetTexts): string | null {
  for (const [field, limit] of Object.entries(lengths)) {
    const value = texts[field as keyof typeof lengths]
    if (value != null && value.length > limit)
      return `${field} has ${value.length} characters; at most ${limit} are kept.`
    // PostgreSQL's text cannot hold it.
    if (value?.includes('\0')) return `${field} holds a NUL character. Remove it.`
  }
  const { tags } = texts
  if (tags && tags.length > limits.tags)
    return `There are ${tags.length} tags; at most ${limits.tags} are kept.`
  for (const tag of tags ?? []) {
    if (tag.trim() === '') return 'A tag is empty. Leave it out.'
    if (tag.includes('\0')) return 'A tag holds a NUL character. Remove it.'
    if (tag.length > limits.tagLength)
      return `A tag has ${tag.length} characters; at most ${limits.tagLength} are kept.`
  }
  return null
}
