import type { AssetRow } from '../../prisma/types.ts'
import { builder } from '../core/builder.ts'
import { operation } from '../core/operation.ts'
import { Embedding } from '../embed.ts'

export const IndexStatus = builder.enumType('IndexStatus', {
  description: 'Whether search finds an image.',
  values: {
    PENDING: { description: 'Stored; its vector follows. Search does not find it yet.' },
    READY: { description: 'Has its vector; search finds it.' },
    FAILED: { description: 'No vector could be made.' },
  },
})

export const Asset = builder.node(builder.objectRef<AssetRow>('Asset'), {
  description: 'An image of the library.',
  id: { resolve: ({ id }) => id },
  loadWithoutCache: (id, { loaders }) => loaders.asset.load(id),
  fields: (t) => ({
    name: t.exposeString('name', { description: "The file's name." }),
    title: t.exposeString('title', { nullable: true, description: 'A title for people.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'A longer text about it.',
    }),
    tags: t.exposeStringList('tags', { description: 'Keywords.' }),
    collections: t.exposeStringList('collections', {
      description: 'The collections it belongs to: paths such as "Brand/2025/Logos".',
    }),
    mimeType: t.exposeString('mimeType', { description: 'Type of the stored file, e.g. image/svg+xml.' }),
    bytes: t.exposeInt('bytes', { description: 'Size of the stored file.' }),
    width: t.exposeInt('width', { description: 'In pixels, as displayed.' }),
    height: t.exposeInt('height', { description: 'In pixels, as displayed.' }),
    contentHash: t.exposeString('contentHash', { description: "SHA-256 (hex) of the file's bytes." }),
    url: t.field({
      type: 'URL',
      description:
        'Address of the original file. It needs no key: it contains the content hash, which cannot be guessed.',
      resolve: (asset, _args, { fileUrl }) => fileUrl(asset),
    }),
    thumbnail: t.field({
      type: 'URL',
      description: 'Address of a WebP thumbnail.',
      args: {
        size: t.arg.int({
          required: true,
          defaultValue: 320,
          description: 'Longest edge in pixels, rounded up to 64, 128, 256, 320, 512, 1024 or 2048.',
        }),
      },
      resolve: (asset, { size }, { thumbnailUrl }) => thumbnailUrl(asset, size),
    }),
    takenAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When it was taken, as its file says (EXIF, XMP, IPTC) or a caller; null where nobody does. A time without an offset, as most cameras write it, is given as if it were UTC: its day and hour are those of the place.',
      resolve: (asset) => asset.takenAt,
    }),
    updatedAt: t.field({
      type: 'DateTime',
      description: 'When its labels were changed last, or it was added.',
      resolve: (asset) => asset.updatedAt,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was added.',
      resolve: (asset) => asset.createdAt,
    }),
    indexStatus: t.field({
      type: IndexStatus,
      description: 'Whether search finds it.',
      resolve: (asset) => asset.status,
    }),
    embedding: t.field({
      type: Embedding,
      nullable: true,
      ...operation(
        'read',
        'Its vector. Under the default model it is null until READY; under any other it is made and stored on demand.',
      ),
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
