import type { ServedModel } from '../workers/encode/catalogue.ts'
import { ModelNotFound } from '../workers/errors.ts'
import type { Domain } from '../workers/registry/purpose.ts'
import { builder } from './core/builder.ts'
import { operation } from './core/operation.ts'

const ModelDomain = builder.enumType('ModelDomain', {
  description: 'The kinds of images that a model was made for.',
  values: {
    ICONS_AND_ILLUSTRATIONS: { description: 'Icons, emoji, logos, flat illustrations.' },
    PHOTOGRAPHS: { description: 'Photographs.' },
    GENERAL: { description: 'Photographs and artwork alike.' },
  } satisfies Record<Domain, { description: string }>,
})

export const Model = builder.node(builder.objectRef<ServedModel>('Model'), {
  description: 'A dual encoder: it maps images and texts into one vector space.',
  id: { resolve: ({ card }) => card.name },
  loadWithoutCache: (name, { catalogue }) =>
    catalogue.get(name).catch((error: unknown) => {
      if (error instanceof ModelNotFound) return null
      throw error
    }),
  fields: (t) => ({
    dimensions: t.int({ description: 'Length of its vectors.', resolve: ({ card }) => card.dimensions }),
    imageSize: t.int({
      description: 'Edge in pixels of the square that images are resized to.',
      resolve: ({ card }) => card.image.width,
    }),
    maxTokens: t.int({
      description: 'Longest text in tokens; longer ones are cut off.',
      resolve: ({ card }) => card.text.maxTokens,
    }),
    isDefault: t.exposeBoolean('isDefault', {
      description: 'Whether it is the default model, which also indexes the library.',
    }),
    provider: t.exposeString('provider', {
      description: 'The execution provider in use: cpu, webgpu, cuda, coreml or dml.',
    }),
    precision: t.string({
      description:
        'Precision of the weights in use: fp32, fp16 and so on as the model provides them, or int8 (CPU) or fp16 (GPU) when files derived by Limn serve images, texts or both.',
      resolve: ({ precision }) => precision,
    }),
    revision: t.string({
      description:
        'Changes whenever weights, tokenizer or preprocessing change: vectors of different revisions are never compared.',
      resolve: ({ card }) => card.revision,
    }),
    licence: t.string({
      description: 'Licence of the weights, as the model card names it.',
      resolve: ({ card }) => card.licence,
    }),
    domain: t.field({
      type: ModelDomain,
      nullable: true,
      description: 'The kinds of images that it was made for; null where nobody said.',
      resolve: ({ card }) => card.domain,
    }),
    knows: t.string({
      nullable: true,
      description: 'What it knows, in plain words; null where nobody said.',
      resolve: ({ card }) => card.knows,
    }),
    canGuide: t.boolean({
      nullable: true,
      ...operation(
        'read',
        'Whether it provides gradients, which guide and drawings need. The first check takes a while; null where it fails.',
      ),
      resolve: async ({ card }, _args, { catalogue, guide }) =>
        (await catalogue.failure(card)) === null && (await guide.unsupportedReason(card)) === null,
    }),
  }),
})

builder.queryFields((t) => ({
  models: t.field({
    type: [Model],
    nullable: true,
    ...operation('read', 'All models of this server.', '{ models { id isDefault dimensions canGuide } }'),
    resolve: (_root, _args, { catalogue }) => catalogue.list(),
  }),
}))
