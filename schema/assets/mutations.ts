import { newAssetId } from '../../prisma/ids.ts'
import type { AssetPatch } from '../../prisma/types.ts'
import { BadUserInput, echoed, ItemError } from '../../workers/errors.ts'
import { type DuplicatePolicy, duplicatePolicies } from '../../workers/ingest/labels/merge.ts'
import type { Added } from '../../workers/ingest/library.ts'
import { limits } from '../../workers/limits.ts'
import { Semaphore } from '../../workers/runtime/semaphore.ts'
import { builder } from '../core/builder.ts'
import { requireScope } from '../core/caller.ts'
import type { Context } from '../core/context.ts'
import { counted } from '../core/cost.ts'
import { atMost, InputError, ItemFailure } from '../core/errors.ts'
import { ImageInput } from '../core/inputs.ts'
import { isAssetId } from '../relay/ids.ts'
import { Asset } from './asset.ts'
import { check, complaint } from './checks.ts'

const AssetInput = builder.inputType('AssetInput', {
  description: 'An image to add to the library. Absent texts are read from the file itself (IPTC, XMP).',
  fields: (t) => ({
    image: t.field({ type: ImageInput, required: true, description: 'The image.' }),
    name: t.string({ description: `The file's name, at most ${limits.nameLength} characters.` }),
    title: t.string({ description: `At most ${limits.titleLength} characters.` }),
    description: t.string({ description: `At most ${limits.descriptionLength} characters.` }),
    tags: t.stringList({ description: `At most ${limits.tags}; keywords inside the file are added.` }),
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
  description: 'An image in the library.',
  fields: (t) => ({
    asset: t.field({ type: Asset, description: 'The image.', resolve: ({ asset }) => asset }),
    duplicate: t.exposeBoolean('duplicate', {
      description: 'True when the library already had these bytes; asset is the existing one.',
    }),
    changed: t.exposeStringList('changed', {
      description:
        'Fields of a duplicate that took something from what was given: of name, title, description, tags and collection.',
    }),
  }),
})

const AddAssetResult = builder.unionType('AddAssetResult', {
  description: 'The added image, or the reason why it was not added.',
  types: [AddedAsset, InputError],
  resolveType: (result) => (result instanceof ItemFailure ? 'InputError' : 'AddedAsset'),
})

/** Images of one request that are decoded and stored at once. */
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
      'Adds images to the library. Results are in the order of the inputs. An image in the answer is stored durably; its vector follows, after a crash too.',
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
      requireScope(context, 'insert')
      atMost(inputs, limits.addAssets, 'inputs')
      // Made before: the images of one call sort in the order of its inputs, whichever is stored first.
      const ids = inputs.map(() => newAssetId())
      const adds = new Semaphore(addsAtOnce)
      const add = async (input: typeof AssetInput.$inferInput, index: number) => {
        try {
          return await addOne(input, ids[index]!, onDuplicate, context)
        } catch (error) {
          if (error instanceof ItemError) return new ItemFailure(index, error)
          throw error
        }
      }
      return Promise.all(inputs.map((input, index) => adds.run(() => add(input, index))))
    },
  }),

  updateAsset: t.field({
    type: Asset,
    description: 'Changes the texts of an image. An absent argument keeps the value; null clears it.',
    args: {
      id: t.arg.id({ required: true, description: 'asset_...' }),
      title: t.arg.string({ description: `At most ${limits.titleLength} characters.` }),
      description: t.arg.string({ description: `At most ${limits.descriptionLength} characters.` }),
      tags: t.arg.stringList({ description: `Replaces all tags, at most ${limits.tags}.` }),
      collection: t.arg.string({ description: `At most ${limits.collectionLength} characters.` }),
    },
    complexity: 10,
    resolve: async (_root, { id, ...given }, context) => {
      requireScope(context, 'edit')
      check(given)
      const patch: AssetPatch = {}
      if (given.title !== undefined) patch.title = given.title
      if (given.description !== undefined) patch.description = given.description
      if (given.collection !== undefined) patch.collection = given.collection
      if (given.tags !== undefined) patch.tags = given.tags ?? []
      const asset = isAssetId(id) ? await context.library.update(id, patch) : null
      if (!asset) throw new BadUserInput(`There is no asset "${echoed(id)}".`)
      return asset
    },
  }),

  deleteAssets: t.field({
    type: ['ID'],
    description: 'Deletes images with their files and vectors. Returns the ids that existed.',
    args: { ids: t.arg.idList({ required: true, description: `At most ${limits.ids}.` }) },
    complexity: 10,
    resolve: (_root, { ids }, context) => {
      requireScope(context, 'edit')
      atMost(ids, limits.ids, 'ids')
      return context.library.delete(ids.filter(isAssetId))
    },
  }),
}))
