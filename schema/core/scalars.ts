import { GraphQLError } from 'graphql'
import { echoed } from '../../workers/errors.ts'
import { builder } from './builder.ts'
import type { Upload } from './images.ts'

function text(value: unknown, scalar: string): string {
  if (typeof value === 'string') return value
  throw new GraphQLError(`${scalar} takes a string, not ${value === null ? 'null' : typeof value}.`)
}

builder.scalarType('Vector', {
  description:
    'Little-endian packed numbers as base64: 4 bytes a number (float32), or 2 (float16) where FLOAT16 was asked for. A vector given as input may be either. One vector of 512 float32 is 2,732 characters; a JSON list would be 10,700.',
  serialize: (value) => value as string,
  parseValue: (value) => text(value, 'Vector'),
})

builder.scalarType('File', {
  description: 'An upload, sent as the GraphQL multipart request specification says.',
  serialize: () => {
    throw new GraphQLError('File is an input only.')
  },
  parseValue: (value) => {
    const file = value as Upload | null
    if (typeof file?.bytes === 'function' && typeof file.size === 'number') return file
    throw new GraphQLError(
      'File takes an upload of a multipart/form-data request (fields "operations", "map", then the files). Use base64 where multipart is not possible.',
    )
  },
})

builder.scalarType('URL', {
  description: 'An absolute address.',
  specifiedByURL: 'https://url.spec.whatwg.org/',
  serialize: (value) => String(value),
  parseValue: (value) => text(value, 'URL'),
})

builder.scalarType('DateTime', {
  description: 'A moment as RFC 3339 text, e.g. 2026-11-23T16:00:00.000Z.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => (value as Date).toISOString(),
  parseValue: (value) => {
    const given = text(value, 'DateTime')
    const [, day] =
      /^(\d{4}-\d\d-\d\d)([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d))?$/.exec(given) ?? []
    if (day === undefined)
      throw new GraphQLError(
        `DateTime takes RFC 3339 text such as 2026-11-23T16:00:00Z, not "${echoed(given)}".`,
      )
    const date = new Date(given)
    // Date takes 30 February for 2 March.
    const exists = !Number.isNaN(date.getTime()) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
    // Of the moment in UTC, which the offset may have moved over the edge; PostgreSQL has no year 0.
    const year = date.getUTCFullYear()
    if (exists && year >= 1 && year <= 9999) return date
    throw new GraphQLError(
      `There is no moment "${echoed(given)}": the day or the time does not exist, or the year is not 1 to 9999.`,
    )
  },
})
