import type { ServedModel } from '../workers/encode/catalogue.ts'
import { ItemError } from '../workers/errors.ts'
import { limits } from '../workers/limits.ts'
import { dot } from '../workers/similarity/vectors.ts'
import { builder } from './core/builder.ts'
import type { Concept } from './core/context.ts'
import { counted } from './core/cost.ts'
import { asRequestError, atMost, InputError, ItemFailure } from './core/errors.ts'
import { ConceptInput } from './core/inputs.ts'
import { operation } from './core/operation.ts'
import { packVector } from './core/vector.ts'
import { Model } from './models.ts'

/** A concept in a model's space. */
export interface Embedded extends Pick<Concept, 'vector' | 'modality' | 'contentHash'> {
  model: ServedModel
}

export const Modality = builder.enumType('Modality', {
  description: 'What a vector was made from.',
  values: {
    TEXT: { description: 'Text.' },
    IMAGE: { description: 'An image. A vector given as input counts as an image.' },
  },
})

export const VectorFormat = builder.enumType('VectorFormat', {
  description: 'How the numbers of a Vector are packed.',
  values: {
    FLOAT32: { description: '4 bytes per number.' },
    FLOAT16: { description: '2 bytes per number, about 3 significant digits.' },
  },
})

export const vectorFormatArg = {
  type: VectorFormat,
  required: true,
  defaultValue: 'FLOAT32',
  description: 'Full precision, or half the size.',
} as const

export const Embedding = builder.objectRef<Embedded>('Embedding').implement({
  description: "A concept as a vector in a model's space.",
  fields: (t) => ({
    model: t.field({
      type: Model,
      description: 'The model whose space it is.',
      resolve: ({ model }) => model,
    }),
    modality: t.field({
      type: Modality,
      description: 'Whether it was made from text or an image.',
      resolve: (e) => e.modality,
    }),
    dimensions: t.int({ description: 'Length of the vector.', resolve: ({ vector }) => vector.length }),
    vector: t.field({
      type: 'Vector',
      description: 'L2-normalised.',
      args: { format: t.arg(vectorFormatArg) },
      complexity: 3,
      resolve: ({ vector }, { format }) => packVector(vector, format),
    }),
    values: t.floatList({
      description: 'The vector as a list of numbers; four times the size of `vector`.',
      complexity: 10,
      resolve: ({ vector }) => Array.from(vector),
    }),
    contentHash: t.exposeString('contentHash', {
      description: "SHA-256 (hex) of the image's bytes, the text's UTF-8 or the given vector's bytes.",
    }),
    similarity: t.float({
      nullable: true,
      ...operation('read', 'Cosine similarity to another concept, under the same model.'),
      args: { to: t.arg({ type: ConceptInput, required: true, description: 'The other concept.' }) },
      complexity: 3,
      resolve: async ({ vector, model }, { to }, { loaders }) => {
        const other = await loaders.concept(model)(to)
        if (other instanceof ItemError) throw asRequestError(other, 'to')
        return dot(vector, other.vector)
      },
    }),
  }),
})

const EmbedResult = builder.unionType('EmbedResult', {
  description: 'The embedding of an input, or the reason why there is none.',
  types: [Embedding, InputError],
  resolveType: (result) => (result instanceof ItemFailure ? 'InputError' : 'Embedding'),
})

builder.queryFields((t) => ({
  embed: t.field({
    type: [EmbedResult],
    nullable: true,
    ...operation(
      'read',
      'Encodes texts and images, mixed as you like. Results are in the order of the inputs.',
      `{
        embed(inputs: [{ text: "hot coffee" }]) {
          ... on Embedding { vector }
          ... on InputError { index code message }
        }
      }`,
    ),
    args: {
      inputs: t.arg({ type: [ConceptInput], required: true, description: `At most ${limits.embedInputs}.` }),
      model: t.arg.id({ description: 'The default model when absent.' }),
    },
    complexity: ({ inputs }) => {
      const count = counted(inputs.length, limits.embedInputs)
      return { field: 10 * count, multiplier: count }
    },
    resolve: async (_root, { inputs, model: name }, { catalogue, loaders }) => {
      atMost(inputs, limits.embedInputs, 'inputs')
      const model = await catalogue.get(name)
      const load = loaders.concept(model)
      return Promise.all(
        inputs.map(async (input, index) => {
          const concept = await load(input)
          return concept instanceof ItemError ? new ItemFailure(index, concept) : { ...concept, model }
        }),
      )
    },
  }),
}))
