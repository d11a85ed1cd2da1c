/** Input types that several operations take. */

import { limits } from '../../workers/limits.ts'
import { builder } from './builder.ts'

export const ConceptInput = builder.inputType('ConceptInput', {
  description: 'Exactly one way of giving something to an encoder.',
  isOneOf: true,
  fields: (t) => ({
    text: t.string({ description: `Words, at most ${limits.textLength} characters.` }),
    assetId: t.id({
      description: 'An image of the library: its stored vector is used, nothing is encoded again.',
    }),
    upload: t.field({ type: 'File', description: 'An image file of a multipart request.' }),
    base64: t.string({
      description: 'Raw base64 or a data: URI. Design-tool sandboxes that cannot send multipart use this.',
    }),
    url: t.field({ type: 'URL', description: 'Fetched by the server: http(s), public addresses only.' }),
    vector: t.field({ type: 'Vector', description: 'A vector that the same model made earlier.' }),
  }),
})

export const ImageInput = builder.inputType('ImageInput', {
  description: 'An image, given in exactly one way.',
  isOneOf: true,
  fields: (t) => ({
    assetId: t.id({ description: 'An image of the library.' }),
    upload: t.field({ type: 'File', description: 'An image file of a multipart request.' }),
    base64: t.string({ description: 'Raw base64 or a data: URI.' }),
    url: t.field({ type: 'URL', description: 'Fetched by the server: http(s), public addresses only.' }),
  }),
})
