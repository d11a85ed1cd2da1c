import type { EncoderModel } from '../workers/encode/encoder.ts'
import { variantFor } from '../workers/registry/spec.ts'
import { builder } from './core/builder.ts'
import { Node } from './core/node.ts'

export const Model = builder.objectRef<EncoderModel>('Model').implement({
  description: 'A dual encoder: images and texts into one space.',
  interfaces: [Node],
  isTypeOf: (node) => node !== null && typeof node === 'object' && 'spec' in node,
  fields: (t) => ({
    dimensions: t.int({ description: 'Length of its vectors.', resolve: ({ spec }) => spec.dimensions }),
    imageSize: t.int({
      description: 'Edge, in pixels, of the square that an image is brought to.',
      resolve: ({ spec }) => spec.image.width,
    }),
    maxTokens: t.int({
      description: 'Longest text, in tokens; what is beyond is cut off.',
      resolve: ({ spec }) => spec.text.maxTokens,
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
      resolve: ({ spec, provider }) => variantFor(spec, provider)?.name ?? spec.files.precision,
    }),
    revision: t.string({
      description:
        'Changes whenever weights, tokenizer or preprocessing change: vectors of different revisions are never compared.',
      resolve: ({ spec }) => spec.revision,
    }),
    licence: t.string({
      description: "The weights' licence, as their model card names it.",
      resolve: ({ spec }) => spec.licence,
    }),
    canGuide: t.boolean({
      description:
        'Whether it can give gradients: guide, and what is built on it. Finding out takes a while the first time.',
      resolve: async ({ spec }, _args, { encoder, guide }) =>
        (await encoder.failure(spec)) === null && (await guide.unsupportedReason(spec)) === null,
    }),
  }),
})

builder.queryFields((t) => ({
  models: t.field({
    type: [Model],
    description: 'Every model that this server can use.',
    resolve: (_root, _args, { encoder }) => encoder.models(),
  }),
}))
