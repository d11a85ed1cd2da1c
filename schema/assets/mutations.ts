/** Changes and deletes images; add.ts adds them. */
import type { AssetRow } from '../../prisma/types.ts'
import { BadUserInput, echoed } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import type { Context } from '../core/context.ts'
import { atMost } from '../core/errors.ts'
import { operation } from '../core/operation.ts'
import { unknownIds, userErrorsField, type WithUserErrors, withUserErrors } from '../core/user-errors.ts'
import { isAssetId } from '../relay/ids.ts'
import { Asset } from './asset.ts'
import { collectionsDescription, takenAtDescription } from './checks.ts'
import { checkChange, editsLists, patchOf } from './patch.ts'

const UpdateAssetInput = builder.inputType('UpdateAssetInput', {
  description: 'New texts of an image. An absent field keeps the value; null clears it.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'asset_...' }),
    name: t.string({
      description: `The file's name, at most ${limits.nameLength} characters. It cannot be cleared.`,
    }),
    title: t.string({ description: `At most ${limits.titleLength} characters.` }),
    description: t.string({ description: `At most ${limits.descriptionLength} characters.` }),
    takenAt: t.field({ type: 'DateTime', description: takenAtDescription }),
    tags: t.stringList({ description: `Replaces all tags, at most ${limits.tags}.` }),
    addTags: t.stringList({
      description: 'Added to the tags; those that are there stay as they are written.',
    }),
    removeTags: t.stringList({ description: 'Removed from the tags, regardless of case, after the others.' }),
    collections: t.stringList({ description: `Replaces all collections. ${collectionsDescription}` }),
    addCollections: t.stringList({ description: 'Added to the collections.' }),
    removeCollections: t.stringList({
      description: 'Taken out of these collections and of those below them, after the others.',
    }),
  }),
})

const UpdateAssetPayload = builder
  .objectRef<WithUserErrors & { asset: AssetRow | null }>('UpdateAssetPayload')
  .implement({
    description: 'The image with its new texts.',
    fields: (t) => ({
      asset: t.field({
        type: Asset,
        nullable: true,
        description: 'The image; null where userErrors say why nothing was changed.',
        resolve: ({ asset }) => asset,
      }),
      userErrors: t.field(userErrorsField),
    }),
  })

const DeleteAssetsInput = builder.inputType('DeleteAssetsInput', {
  description: 'Images to be deleted.',
  fields: (t) => ({ ids: t.idList({ required: true, description: `At most ${limits.ids}.` }) }),
})

const DeleteAssetsPayload = builder
  .objectRef<WithUserErrors & { deletedIds: string[] }>('DeleteAssetsPayload')
  .implement({
    description: 'The images that were deleted.',
    fields: (t) => ({
      deletedIds: t.idList({
        description: 'Ids of the images that existed.',
        resolve: ({ deletedIds }) => deletedIds,
      }),
      userErrors: t.field(userErrorsField),
    }),
  })

/** @throws BadUserInput naming the field */
async function update(
  { id, ...change }: typeof UpdateAssetInput.$inferInput,
  context: Context,
): Promise<AssetRow> {
  checkChange(change)
  for (;;) {
    const row = isAssetId(id) ? (await context.database.assets.byIds([id])).get(id) : undefined
    if (!row)
      throw new BadUserInput(`There is no asset "${echoed(id)}".`, {
        argument: 'input.id',
        inputErrorCode: 'NOT_FOUND',
      })
    // Another call may change the lists at the same time: none of the two is lost.
    const unchanged = editsLists(change) ? row : undefined
    const updated = await context.library.update(id, patchOf(change, row), unchanged)
    if (updated) return updated
  }
}

builder.mutationFields((t) => ({
  updateAsset: t.field({
    type: UpdateAssetPayload,
    nullable: true,
    ...operation(
      'edit',
      'Changes the texts of an image.',
      `mutation {
        updateAsset(input: { id: "asset_...", title: "Sunset", addTags: ["sea"] }) {
          asset { title tags }
          userErrors { field message }
        }
      }`,
    ),
    args: { input: t.arg({ type: UpdateAssetInput, required: true, description: 'The new texts.' }) },
    complexity: 10,
    resolve: (_root, { input }, context) =>
      withUserErrors({ asset: null }, async () => ({ asset: await update(input, context) })),
  }),

  deleteAssets: t.field({
    type: DeleteAssetsPayload,
    nullable: true,
    ...operation(
      'edit',
      'Deletes images with their files and vectors.',
      `mutation {
        deleteAssets(input: { ids: ["asset_..."] }) {
          deletedIds
          userErrors { field message }
        }
      }`,
    ),
    args: {
      input: t.arg({ type: DeleteAssetsInput, required: true, description: 'The images to delete.' }),
    },
    complexity: 10,
    resolve: (_root, { input: { ids } }, context) =>
      withUserErrors({ deletedIds: [] as string[] }, async () => {
        atMost(ids, limits.ids, 'input.ids')
        const deletedIds = await context.library.delete(ids.filter(isAssetId))
        return { deletedIds, userErrors: unknownIds(ids, deletedIds, 'asset') }
      }),
  }),
}))
