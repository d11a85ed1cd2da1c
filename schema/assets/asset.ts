import type { AssetRow } from '../../prisma/types.ts'
import { builder } from '../core/builder.ts'
import { Node } from '../core/node.ts'
import { Embedding } from '../embed.ts'

export const AssetStatus = builder.enumType('AssetStatus', {
  description: 'How far an image has come.',
  values: {
    PENDING: { description: 'Taken in; its vector follows. Search does not find it yet.' },
    READY: { description: 'Has its vector.' },
    FAILED: { description: 'No vector could be made of it.' },
  },
})

export const Asset = builder.objectRef<AssetRow>('Asset').implement({
  description: 'An image of the library.',
  interfaces: [Node],
  isTypeOf: (node) => node !== null && typeof node === 'object' && 'contentHash' in node,
  fields: (t) => ({
    name: t.exposeString('name', { description: "The file's name." }),
    title: t.exposeString('title', { nullable: true, description: 'What people call it.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What is to be said about it.',
    }),
    tags: t.exposeStringList('tags', { description: 'Keywords.' }),
    collection: t.exposeString('collection', {
      nullable: true,
      description: 'The collection it belongs to.',
    }),
    mimeType: t.exposeString('mimeType', { description: 'Type of the stored file, e.g. image/svg+xml.' }),
    bytes: t.exposeInt('bytes', { description: 'Size of the stored file.' }),
    width: t.exposeInt('width', { description: 'In pixels, as displayed.' }),
    height: t.exposeInt('height', { description: 'In pixels, as displayed.' }),
    contentHash: t.exposeString('contentHash', { description: "SHA-256, hex, of the file's bytes." }),
    url: t.field({
      type: 'URL',
      description:
        'The file as it was taken in. Whoever has the address can read it: it holds the content hash, which cannot be guessed.',
      resolve: (asset, _args, { fileUrl }) => fileUrl(asset),
    }),
    thumbnail: t.field({
      type: 'URL',
      description: 'A WebP image of it whose longest edge is about so many pixels.',
      args: {
        size: t.arg.int({
          required: true,
          defaultValue: 320,
          description: 'Longest edge; the next of 64, 128, 256, 320, 512, 1024 and 2048 is taken.',
        }),
      },
      resolve: (asset, { size }, { thumbnailUrl }) => thumbnailUrl(asset, size),
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was taken in.',
      resolve: (asset) => asset.createdAt,
    }),
    status: t.field({
      type: AssetStatus,
      description: 'Whether search finds it.',
      resolve: (asset) => asset.status,
    }),
    embedding: t.field({
      type: Embedding,
      nullable: true,
      description:
        'Its vector: stored under the default model (null until READY), made and stored on demand under another.',
      args: { model: t.arg.id({ description: 'The default model when absent.' }) },
      complexity: ({ model }) => (model == null ? 2 : 10),
      resolve: async (asset, { model: name }, { catalogue, loaders }) => {
        const model = await catalogue.get(name)
        const vector = await loaders.storedVector(model).load(asset)
        return vector && { vector, model, modality: 'IMAGE' as const, contentHash: asset.contentHash }
      },
    }),
  }),
})
