/** Input types that several operations take. */

import { limits } from '../../workers/limits.ts'
import { builder } from './builder.ts'

type InputFields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

/** The ways to give an image. */
const imageFields = (t: InputFields) => ({
  assetId: t.id({ description: 'An image of the library.' }),
  upload: t.field({ type: 'File', description: 'An image file of a multipart request.' }),
  base64: t.string({
    description: 'An image as raw base64 or a data: URI, for clients that cannot send multipart requests.',
  }),
  url: t.field({
    type: 'URL',
    description: 'Address of an image, fetched by the server: http(s), public addresses only.',
  }),
})

/** The ways to give a concept. */
const conceptFields = (t: InputFields) => ({
  text: t.string({ description: `Text, at most ${limits.textLength} characters.` }),
  ...imageFields(t),
  vector: t.field({ type: 'Vector', description: 'A vector made by the same model.' }),
})

export const ImageInput = builder.inputType('ImageInput', {
  description: 'An image, given in exactly one way.',
  isOneOf: true,
  fields: imageFields,
})

export const ConceptInput = builder.inputType('ConceptInput', {
  description: 'A text, an image or a vector, given in exactly one way.',
  isOneOf: true,
  fields: conceptFields,
})

export const PromptInput = builder.inputType('PromptInput', {
  description:
    'A text, an image or a vector, given in exactly one way, and its weight: `{ text: "rain", weight: -0.5 }`. GraphQL takes one prompt for a list of one.',
  fields: (t) => ({
    ...conceptFields(t),
    weight: t.float({
      required: true,
      defaultValue: 1,
      description: 'Strength: above 0 attracts, below 0 repels. At least one must not be 0.',
    }),
  }),
})
