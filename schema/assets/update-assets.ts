/** Changes many images at once: some by their ids, or all that a filter keeps, a part at a time. */
import { newestFirst, positionOf } from '../../prisma/lists/pages.ts'
import type { AssetRow } from '../../prisma/types.ts'
import { BadUserInput, echoed, ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import type { Context } from '../core/context.ts'
import { counted } from '../core/cost.ts'
import { atMost, InputError, ItemFailure } from '../core/errors.ts'
import { operation } from '../core/operation.ts'
import { userErrorsField, type WithUserErrors, withUserErrors } from '../core/user-errors.ts'
import { isAssetId } from '../relay/ids.ts'
import { Asset } from './asset.ts'
import { collectionsDescription, takenAtDescription } from './checks.ts'
import { cursorIn, positionIn } from './order.ts'
import { checkChange, type LabelChange, patchOf } from './patch.ts'
import { type UpdatedRow, updateEach } from './update-each.ts'
import { AssetWhere, checkedWhere } from './where.ts'

const UpdateAssetsInput = builder.inputType('UpdateAssetsInput', {
  description:
    'Images, and what is changed in each. Give either ids or where. An absent field keeps the value; null clears it.',
  fields: (t) => ({
    ids: t.idList({ description: `These images, at most ${limits.updateAssets}.` }),
    where: t.field({
      type: AssetWhere,
      description: `All images that match, ${limits.updateAssets} in one call, newest first.`,
    }),
    after: t.string({
      description: 'With where: endCursor of the call before, which goes on after its images.',
    }),
    title: t.string({ description: `At most ${limits.titleLength} characters.` }),
    description: t.string({ description: `At most ${limits.descriptionLength} characters.` }),
    takenAt: t.field({ type: 'DateTime', description: takenAtDescription }),
    tags: t.stringList({ description: `Replaces all tags, at most ${limits.tags}.` }),
    addTags: t.stringList({ description: 'Added to the tags.' }),
    removeTags: t.stringList({ description: 'Removed from the tags, regardless of case, after the others.' }),
    collections: t.stringList({ description: `Replaces all collections. ${collectionsDescription}` }),
    addCollections: t.stringList({ description: 'Added to the collections.' }),
    removeCollections: t.stringList({
      description: 'Taken out of these collections and of those below them, after the others.',
    }),
  }),
})

const UpdatedAsset = builder.objectRef<UpdatedRow>('UpdatedAsset').implement({
  description: 'An image with its new labels.',
  fields: (t) => ({
    asset: t.field({ type: Asset, description: 'The image.', resolve: ({ row }) => row }),
    changed: t.exposeStringList('changed', {
      description: 'Fields that have another value now; empty where the image was so already.',
    }),
  }),
})

const UpdateAssetResult = builder.unionType('UpdateAssetResult', {
  description: 'The changed image, or the reason why it stayed as it was.',
  types: [UpdatedAsset, InputError],
  resolveType: (result) => (result instanceof ItemFailure ? 'InputError' : 'UpdatedAsset'),
})

type Result = UpdatedRow | ItemFailure

interface Updated {
  results: Result[]
  remaining: number
  endCursor: string | null
}

const UpdateAssetsPayload = builder.objectRef<WithUserErrors & Updated>('UpdateAssetsPayload').implement({
  description: 'The result for each image.',
  fields: (t) => ({
    results: t.field({
      type: [UpdateAssetResult],
      description: 'In the order of ids; with where, newest first. Empty where userErrors say why.',
      complexity: { field: 0, multiplier: 1 },
      resolve: ({ results }) => results,
    }),
    matched: t.int({
      description: 'How many images were looked at by this call or remain.',
      resolve: ({ results, remaining }) => results.length + remaining,
    }),
    remaining: t.exposeInt('remaining', {
      description: 'With where: how many images match that this call did not reach. Go on with endCursor.',
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: '`after` of the next call with the same where; null when nothing remains.',
    }),
    userErrors: t.field(userErrorsField),
  }),
})

type Given = typeof UpdateAssetsInput.$inferInput

/** @throws BadUserInput */
async function update(given: Given, context: Context): Promise<Updated> {
  const { ids, where, after, ...change } = given
  if ((ids == null) === (where == null))
    throw new BadUserInput('Give either ids or where: the images that are changed.', { argument: 'input' })
  if (Object.values(change).every((value) => value === undefined))
    throw new BadUserInput('Nothing is to be changed: give addTags, title or another field.', {
      argument: 'input',
    })
  checkChange(change)
  return ids != null ? updateIds(ids, change, context) : updateWhere(given, change, context)
}

async function updateIds(ids: readonly string[], change: LabelChange, context: Context): Promise<Updated> {
  atMost(ids, limits.updateAssets, 'input.ids')
  const found = await context.database.assets.byIds(ids.filter(isAssetId))
  const done = await changeEach([...found.values()], change, context)
  const results = ids.map((id, index) => {
    const result = done.get(id) ?? new ItemError('NOT_FOUND', `There is no asset "${echoed(id)}".`)
    return result instanceof ItemError ? new ItemFailure(index, result) : result
  })
  return { results, remaining: 0, endCursor: null }
}

/** @throws BadUserInput */
async function updateWhere({ where, after }: Given, change: LabelChange, context: Context): Promise<Updated> {
  const { assets } = context.database
  const filter = checkedWhere(where, 'input.where')
  const { rows, hasNextPage } = await assets.page({
    where: filter,
    first: limits.updateAssets,
    after: positionIn(newestFirst, after, 'input.after'),
  })
  const done = await changeEach(rows, change, context)
  const results: Result[] = []
  for (const { id } of rows) {
    const result = done.get(id)
    // One that was deleted meanwhile does not match any more.
    if (result) results.push(result instanceof ItemError ? new ItemFailure(results.length, result) : result)
  }
  const end = rows.at(-1)
  if (!hasNextPage || !end) return { results, remaining: 0, endCursor: null }
  return {
    results,
    remaining: await assets.count(filter, end.id),
    endCursor: cursorIn(newestFirst, positionOf(end, newestFirst)),
  }
}

/** By id, without those that are gone. An image that cannot take the change takes no other with it. */
async function changeEach(rows: readonly AssetRow[], change: LabelChange, context: Context) {
  const results = new Map<string, UpdatedRow | ItemError>()
  const onError = (row: AssetRow, error: unknown) => {
    if (!(error instanceof BadUserInput)) throw error
    results.set(row.id, new ItemError('INVALID', error.message))
  }
  const done = await updateEach(rows, (row) => patchOf(change, row), context, onError)
  for (const [id, updated] of done) results.set(id, updated)
  return results
}

builder.mutationField('updateAssets', (t) =>
  t.field({
    type: UpdateAssetsPayload,
    nullable: true,
    ...operation(
      'edit',
      'Changes the labels of many images at once. One that cannot be changed takes no other with it, and none loses what another call gives it at the same time.',
      `mutation {
        updateAssets(input: { where: { collections: ["Inbox"], untagged: true }, addTags: ["to sort"] }) {
          results {
            ... on UpdatedAsset { changed asset { id tags } }
            ... on InputError { index message }
          }
          matched remaining endCursor
          userErrors { field message }
        }
      }`,
    ),
    args: { input: t.arg({ type: UpdateAssetsInput, required: true, description: 'Images and changes.' }) },
    complexity: ({ input: { ids } }) => {
      const count = counted(ids?.length ?? limits.updateAssets, limits.updateAssets)
      return { field: 20 + count, multiplier: count }
    },
    resolve: (_root, { input }, context) =>
      withUserErrors({ results: [], remaining: 0, endCursor: null }, () => update(input, context)),
  }),
)
