import { newAssetId } from '../../prisma/ids.ts'
import type { AssetPatch } from '../../prisma/types.ts'
import { BadUserInput, echoed, ItemError } from '../../workers/errors.ts'
import { type DuplicatePolicy, duplicatePolicies } from '../../workers/ingest/labels/merge.ts'
import type { Added } from '../../workers/ingest/library.ts'
import { builder } from '../core/builder.ts'
import type { Context } from '../core/context.ts'
import { atMost, InputError, ItemFailure } from '../core/errors.ts'
import { ImageInput } from '../core/inputs.ts'
import { counted, limits } from '../core/limits.ts'
import { isAssetId } from '../core/loaders.ts'
import { mapLimited } from '../core/parallel.ts'
import { Asset } from './asset.ts'
import { check, complaint } from './checks.ts'

const AssetInput = builder.inputType('AssetInput', {
  description:
    'An image to be taken into the library. What is absent is read from the file itself (IPTC, XMP).',
  fields: (t) => ({
    image: t.field({ type: ImageInput, required: true, description: 'The image.' }),
    name: t.string({ description: `The file's name, at most ${limits.nameLength} characters.` }),
    title: t.string({ description: `At most ${limits.titleLength} characters.` }),
    description: t.string({ description: `At most ${limits.descriptionLength} characters.` }),
    tags: t.stringList({ description: `At most ${limits.tags}, joined with the keywords inside the file.` }),
    collection: t.string({ description: `At most ${limits.collectionLength} characters.` }),
  }),
})

const OnDuplicate = builder.enumType('OnDuplicate', {
  description:
    'What becomes of the name, texts and tags that are given with an image whose bytes are there already.',
  values: Object.fromEntries(
    Object.entries(duplicatePolicies).map(([name, description]) => [name, { description }]),
  ) as Record<DuplicatePolicy, { description: string }>,
})

const AddedAsset = builder.objectRef<Added>('AddedAsset').implement({
  description: 'An image that is in the library now.',
  fields: (t) => ({
    asset: t.field({ type: Asset, description: 'The image.', resolve: ({ asset }) => asset }),
    duplicate: t.exposeBoolean('duplicate', {
      description: 'The same bytes were there already: that asset is returned.',
    }),
    changed: t.exposeStringList('changed', {
      description:
        'Fields of a duplicate that took something from what was given: of name, title, description, tags and collection.',
    }),
  }),
})

const AddAssetResult = builder.unionType('AddAssetResult', {
  description: 'The image as it was taken in, or why it was not.',
  types: [AddedAsset, InputError],
  resolveType: (result) => (result instanceof ItemFailure ? 'InputError' : 'AddedAsset'),
})

/** Images that are decoded and stored at once. */
const addsAtOnce = 4

async function addOne(
  input: typeof AssetInput.$inferInput,
  id: string,
  onDuplicate: DuplicatePolicy,
  context: Context,
): Promise<Added> {
  const wrong = complaint(input)
  if (wrong) throw new ItemError('INVALID', wrong)
  const { image, ...texts } = input
  if (image.assetId != null) {
    const asset = await context.loaders.asset.load(image.assetId)
    if (!asset) throw new ItemError('NOT_FOUND', `There is no asset "${echoed(image.assetId)}".`)
    return context.library.label(asset, texts, onDuplicate)
  }
  const { bytes, name } = await context.images(image, context.signal)
  return context.library.add({ ...texts, bytes, fileName: name, id, onDuplicate })
}

builder.mutationFields((t) => ({
  addAssets: t.field({
    type: [AddAssetResult],
    description:
      'Takes images into the library, in the order of the inputs. An image that is answered is safe: its vector follows whatever happens.',
    args: {
      inputs: t.arg({ type: [AssetInput], required: true, description: `At most ${limits.addAssets}.` }),
      onDuplicate: t.arg({
        type: OnDuplicate,
        required: true,
        defaultValue: 'MERGE',
        description: 'How labels are taken for images that are there already.',
      }),
    },
    complexity: ({ inputs }) => {
      const count = counted(inputs.length, limits.addAssets)
      return { field: 20 * count, multiplier: count }
    },
    resolve: (_root, { inputs, onDuplicate }, context) => {
      atMost(inputs, limits.addAssets, 'inputs')
      // Made before: the images of one call sort in the order of its inputs, whichever is stored first.
      const ids = inputs.map(() => newAssetId())
      return mapLimited(inputs, addsAtOnce, async (input, index) => {
        try {
          return await addOne(input, ids[index]!, onDuplicate, context)
        } catch (error) {
          if (error instanceof ItemError) return new ItemFailure(index, error)
          throw error
        }
      })
    },
  }),

  updateAsset: t.field({
    type: Asset,
    description:
      'Changes what is said about an image. An absent argument leaves it as it is; null clears it.',
    args: {
      id: t.arg.id({ required: true, description: 'asset_...' }),
      title: t.arg.string({ description: `At most ${limits.titleLength} characters.` }),
      description: t.arg.string({ description: `At most ${limits.descriptionLength} characters.` }),
      tags: t.arg.stringList({ description: `All tags anew, at most ${limits.tags}.` }),
      collection: t.arg.string({ description: `At most ${limits.collectionLength} characters.` }),
    },
    complexity: 10,
    resolve: async (_root, { id, ...given }, { library }) => {
      check(given)
      const patch: AssetPatch = {}
      if (given.title !== undefined) patch.title = given.title
      if (given.description !== undefined) patch.description = given.description
      if (given.collection !== undefined) patch.collection = given.collection
      if (given.tags !== undefined) patch.tags = given.tags ?? []
      const asset = isAssetId(id) ? await library.update(id, patch) : null
      if (!asset) throw new BadUserInput(`There is no asset "${echoed(id)}".`)
      return asset
    },
  }),

  deleteAssets: t.field({
    type: ['ID'],
    description: 'Removes images, their files and their vectors. Returns the ids that were there.',
    args: { ids: t.arg.idList({ required: true, description: `At most ${limits.ids}.` }) },
    complexity: 10,
    resolve: (_root, { ids }, { library }) => {
      atMost(ids, limits.ids, 'ids')
      return library.delete(ids.filter(isAssetId))
    },
  }),
}))
