import type { AssetFilter } from '../types.ts'

/** Filters that keep what one value counts, where they have one entry. */
const facetOf = {
  tagsAny: 'tags',
  tagsAll: 'tags',
  collections: 'collections',
  mimeTypes: 'types',
  status: 'statuses',
} as const

export interface KeptKey {
  facet: string
  key: string
}

/** Facets whose keys are folded; see limn_fold. */
export const isFolded = (facet: string) => facet === 'tags' || facet === 'collections'

/** The counted value that a filter asks for, where it asks for nothing else; null for any other filter. */
export function keptKeyOf(where: AssetFilter): KeptKey | null {
  const given = Object.entries(where).filter(([, value]) => value != null)
  const [field, value] = given[0] ?? []
  if (given.length !== 1 || field === undefined) return null
  if (field === 'orientation') return { facet: 'orientation', key: String(value) }
  if (!Object.hasOwn(facetOf, field) || !Array.isArray(value) || value.length !== 1) return null
  const facet = facetOf[field as keyof typeof facetOf]
  const key = String(value[0])
  return { facet, key: facet === 'types' ? key.toLowerCase() : key }
}
