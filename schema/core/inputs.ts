/** Input types that several operations take. */

import { limits } from '../../workers/limits.ts'
import { builder } from './builder.ts'

export const ConceptInput = builder.inputType('ConceptInput', {
  description: 'A text, an image or a vector, given in exactly one way.',
  isOneOf: true,
  fields: (t) => ({
    text: t.string({ description: `Text, at most ${limits.textLength} characters.` }),
    assetId: t.id({
      description: 'An image of the library; its stored vector is used.',
    }),
    upload: t.field({ type: 'File', description: 'An image file of a multipart request.' }),
    base64: t.string({
      description: 'An image as raw base64 or a data: URI, for clients that cannot send multipart requests.',
    }),
    url: t.field({
      type: 'URL',
      description: 'Address of an image, fetched by the server: http(s), public addresses only.',
    }),
    vector: t.field({ type: 'Vector', description: 'A vector made by the same model.' }),
  }),
})

export const ImageInput = builder.inputType('ImageInput', {
  description: 'An image, given in exactly one way.',
  isOneOf: true,
  fields: (t) => ({
    assetId: t.id({ description: 'An image of the library.' }),
    upload: t.field({ type: 'File', description: 'An image file of a multipart request.' }),
    base64: t.string({ description: 'An image as raw base64 or a data: URI.' }),
    url: t.field({
      type: 'URL',
      description: 'Address of an image, fetched by the server: http(s), public addresses only.',
    }),
  }),
})
