/** What a client accepts: media types and encodings with their weights (RFC 9110, 12.4.2). */

export const jsonTypes = ['application/json', 'application/graphql-response+json'] as const
export type JsonType = (typeof jsonTypes)[number]

interface Weighted {
  value: string
  weight: number
}

function weighted(header: string): Weighted[] {
  return header.split(',').flatMap((part) => {
    const [value, ...parameters] = part.split(';').map((one) => one.trim().toLowerCase())
    if (!value) return []
    const q = parameters.find((one) => /^q\s*=/.test(one))
    const weight = q === undefined ? 1 : Number(q.slice(q.indexOf('=') + 1))
    return [{ value, weight: Number.isNaN(weight) ? 1 : weight }]
  })
}

/** Whether an Accept header allows one of the types; none allows all. */
export function accepts(accept: string | null | undefined, types: readonly string[]): boolean {
  return weighted(accept || '*/*').some(
    ({ value, weight }) =>
      weight > 0 &&
      types.some((type) => value === '*/*' || value === type || value === `${type.split('/', 1)[0]}/*`),
  )
}

/** Whether the answer can only be a stream of events: errors come as events then, never as a status of 4xx. */
export const readsEventsOnly = (accept: string | null | undefined): boolean =>
  accepts(accept, ['text/event-stream']) && !accepts(accept, [...jsonTypes, 'multipart/mixed'])

/** The type of a refusal: the GraphQL one for a client that names it at least as warmly as plain JSON. */
export function jsonType(accept: string | null | undefined): JsonType {
  const named = weighted(accept ?? '')
  const weight = (type: JsonType) => named.find(({ value }) => value === type)?.weight ?? 0
  const [json, graphql] = jsonTypes
  const at = (type: JsonType) => named.findIndex(({ value }) => value === type)
  if (weight(graphql) === 0) return json
  if (weight(json) !== weight(graphql)) return weight(graphql) > weight(json) ? graphql : json
  return at(graphql) < at(json) ? graphql : json
}

/** The encoding of an answer to an Accept-Encoding header; null: as it is. Of equals gzip is the quickest to make. */
export function encodingFor(accepted: string | null | undefined): 'gzip' | 'br' | null {
  const given = weighted(accepted ?? '')
  const weight = (name: string) =>
    (given.find(({ value }) => value === name) ?? given.find(({ value }) => value === '*'))?.weight ?? 0
  const gzip = weight('gzip')
  const br = weight('br')
  if (gzip === 0 && br === 0) return null
  return gzip >= br ? 'gzip' : 'br'
}
