import type { ServedModel } from '../workers/encode/catalogue.ts'
import { builder } from './core/builder.ts'
import { Node } from './core/node.ts'

export const Model = builder.objectRef<ServedModel>('Model').implement({
  description: 'A dual encoder: images and texts into one space.',
  interfaces: [Node],
  isTypeOf: (node) => node !== null && typeof node === 'object' && 'card' in node,
  fields: (t) => ({
    dimensions: t.int({ description: 'Length of its vectors.', resolve: ({ card }) => card.dimensions }),
    imageSize: t.int({
      description: 'Edge, in pixels, of the square that an image is brought to.',
      resolve: ({ card }) => card.image.width,
    }),
    maxTokens: t.int({
      description: 'Longest text, in tokens; what is beyond is cut off.',
      resolve: ({ card }) => card.text.maxTokens,
    }),
    isDefault: t.exposeBoolean('isDefault', {
      description: 'The model that is used where none is named, and that the library is indexed with.',
    }),
    provider: t.exposeString('provider', {
      description: 'The execution provider in use: cpu, webgpu, cuda, coreml or dml.',
    }),
    precision: t.string({
      description:
        'Weights in use: fp32, fp16 and so on as the model has them, or int8 (CPU) or fp16 (GPU) where files that Limn derived serve for images, texts or both.',
      resolve: ({ precision }) => precision,
    }),
    revision: t.string({
      description:
        'Changes whenever weights, tokenizer or preprocessing change: vectors of different revisions are never compared.',
      resolve: ({ card }) => card.revision,
    }),
    licence: t.string({
      description: "The weights' licence, as their model card names it.",
      resolve: ({ card }) => card.licence,
    }),
    canGuide: t.boolean({
      description:
        'Whether it can give gradients: guide, and what is built on it. Finding out takes a while the first time.',
      resolve: async ({ card }, _args, { catalogue, guide }) =>
        (await catalogue.failure(card)) === null && (await guide.unsupportedReason(card)) === null,
    }),
  }),
})

builder.queryFields((t) => ({
  models: t.field({
    type: [Model],
    description: 'Every model that this server can use.',
    resolve: (_root, _args, { catalogue }) => catalogue.list(),
  }),
}))
