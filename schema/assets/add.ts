import { newAssetId } from '../../prisma/ids.ts'
import { echoed, ItemError } from '../../workers/errors.ts'
import { type DuplicatePolicy, duplicatePolicies } from '../../workers/ingest/labels/merge.ts'
import type { Added } from '../../workers/ingest/library.ts'
import { limits } from '../../workers/limits.ts'
import { Semaphore } from '../../workers/runtime/semaphore.ts'
import { builder } from '../core/builder.ts'
import { hasScope, requireScope } from '../core/caller.ts'
import type { Context } from '../core/context.ts'
import { counted } from '../core/cost.ts'
import { atMost, InputError, ItemFailure } from '../core/errors.ts'
import { ImageInput } from '../core/inputs.ts'
import { operation } from '../core/operation.ts'
import { userErrorsField, type WithUserErrors, withUserErrors } from '../core/user-errors.ts'
import { Asset } from './asset.ts'
import { collectionsDescription, complaint, takenAtDescription } from './checks.ts'

const AssetInput = builder.inputType('AssetInput', {
  description:
    'An image to add to the library. Absent texts and dates are read from the file itself (EXIF, IPTC, XMP).',
  fields: (t) => ({
    image: t.field({ type: ImageInput, required: true, description: 'The image.' }),
    name: t.string({ description: `The file's name, at most ${limits.nameLength} characters.` }),
    title: t.string({ description: `At most ${limits.titleLength} characters.` }),
    description: t.string({ description: `At most ${limits.descriptionLength} characters.` }),
    tags: t.stringList({ description: `At most ${limits.tags}; keywords inside the file are added.` }),
    collections: t.stringList({ description: collectionsDescription }),
    takenAt: t.field({ type: 'DateTime', description: takenAtDescription }),
  }),
})

const OnDuplicate = builder.enumType('OnDuplicate', {
  description:
    'What becomes of the labels that are given with an image whose bytes are there already. A key without the scope `edit` changes none of them: for it MERGE is KEEP, and REPLACE is refused.',
  values: Object.fromEntries(
    Object.entries(duplicatePolicies).map(([name, description]) => [name, { description }]),
  ) as Record<DuplicatePolicy, { description: string }>,
})

const AddAssetsInput = builder.inputType('AddAssetsInput', {
  description: 'Images to add to the library.',
  fields: (t) => ({
    assets: t.field({ type: [AssetInput], required: true, description: `At most ${limits.addAssets}.` }),
    onDuplicate: t.field({
      type: OnDuplicate,
      required: true,
      defaultValue: 'MERGE',
      description: 'How labels are taken for images that are there already.',
    }),
  }),
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
        'Fields of a duplicate that took something from what was given: of name, title, description, tags, collections and takenAt.',
    }),
  }),
})

const AddAssetResult = builder.unionType('AddAssetResult', {
  description: 'The added image, or the reason why it was not added.',
  types: [AddedAsset, InputError],
  resolveType: (result) => (result instanceof ItemFailure ? 'InputError' : 'AddedAsset'),
})

/** An Error is the GraphQL error of its item alone. */
type Result = Added | ItemFailure | Error

const AddAssetsPayload = builder
  .objectRef<WithUserErrors & { results: Result[] }>('AddAssetsPayload')
  .implement({
    description: 'The result for each image.',
    fields: (t) => ({
      results: t.field({
        type: [AddAssetResult],
        nullable: { list: false, items: true },
        description:
          'In the order of the inputs; empty where userErrors say why. Null for an image that a fault of the server kept out.',
        complexity: { field: 0, multiplier: 1 },
        resolve: ({ results }) => results as (Added | ItemFailure)[],
      }),
      userErrors: t.field(userErrorsField),
    }),
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

/** Never rejects: one image takes no other with it. */
async function resultOf(add: Promise<Added>, index: number): Promise<Result> {
  try {
    return await add
  } catch (error) {
    return error instanceof ItemError ? new ItemFailure(index, error) : (error as Error)
  }
}

builder.mutationField('addAssets', (t) =>
  t.field({
    type: AddAssetsPayload,
    nullable: true,
    ...operation(
      'insert',
      'Adds images to the library. An image in the answer is stored durably; its vector follows, after a crash too. The same bytes are one image, so a call whose answer was lost may be sent again: it finds what it added and says `duplicate: true`.',
      `mutation ($image: String!) {
        addAssets(input: { assets: [{ image: { base64: $image }, tags: ["autumn"] }] }) {
          results {
            ... on AddedAsset { duplicate asset { id } }
            ... on InputError { index code message }
          }
          userErrors { field message }
        }
      }`,
    ),
    args: { input: t.arg({ type: AddAssetsInput, required: true, description: 'The images to add.' }) },
    complexity: ({ input }) => {
      const count = counted(input.assets.length, limits.addAssets)
      return { field: 20 * count, multiplier: count }
    },
    resolve: (_root, { input: { assets, onDuplicate } }, context) => {
      // A duplicate's labels are there already: who may only add does not change them.
      if (onDuplicate === 'REPLACE') requireScope(context, 'edit')
      const policy = hasScope(context, 'edit') ? onDuplicate : 'KEEP'
      return withUserErrors({ results: [] as Result[] }, async () => {
        atMost(assets, limits.addAssets, 'input.assets')
        // Made before: the images of one call sort in the order of its inputs, whichever is stored first.
        const ids = assets.map(() => newAssetId())
        const adds = new Semaphore(addsAtOnce)
        const results = assets.map((one, index) =>
          resultOf(
            adds.run(() => addOne(one, ids[index]!, policy, context)),
            index,
          ),
        )
        return { results: await Promise.all(results) }
      })
    },
  }),
)
