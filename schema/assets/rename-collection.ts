/** Renames a collection, with all that lies below it. */
import { newestFirst, positionOf } from '../../prisma/lists/pages.ts'
import type { AssetPosition, AssetRow } from '../../prisma/types.ts'
import { BadUserInput, echoed } from '../../workers/errors.ts'
import { cleanCollection, collectionKey, liesIn, stepsOf } from '../../workers/ingest/labels/collections.ts'
import { builder } from '../core/builder.ts'
import type { Context } from '../core/context.ts'
import { operation } from '../core/operation.ts'
import {
  type UserErrorObject,
  userErrorsField,
  type WithUserErrors,
  withUserErrors,
} from '../core/user-errors.ts'
import { complaint } from './checks.ts'
import { updateEach } from './update-each.ts'

/** Images between two looks at the clock. */
const rowsAtOnce = 250
/** Of the request's time, what is left for the answer. */
const reserveMs = 5_000
/** Images that the answer names. */
const maxNamed = 20

const RenameCollectionInput = builder.inputType('RenameCollectionInput', {
  description: 'Two paths of collections.',
  fields: (t) => ({
    from: t.string({ required: true, description: 'The collection as it is called now, e.g. "Brand/2025".' }),
    to: t.string({
      required: true,
      description:
        'Its new path, e.g. "Archive/Brand 2025". Where there is such a collection, the two become one.',
    }),
  }),
})

interface Renamed {
  collection: string | null
  moved: number
  remaining: number
  merged: boolean
}

const RenameCollectionPayload = builder
  .objectRef<WithUserErrors & Renamed>('RenameCollectionPayload')
  .implement({
    description: 'The renamed collection.',
    fields: (t) => ({
      collection: t.exposeString('collection', {
        nullable: true,
        description: 'Its new path as it is stored; null where userErrors say why nothing was changed.',
      }),
      moved: t.exposeInt('moved', { description: 'How many images were changed.' }),
      remaining: t.exposeInt('remaining', {
        description:
          "How many images are still in the old collection: the request's time was over, or userErrors say why. The same call again goes on.",
      }),
      merged: t.exposeBoolean('merged', {
        description: 'Whether there were images in the new collection already.',
      }),
      userErrors: t.field(userErrorsField),
    }),
  })

/** @throws BadUserInput */
async function rename(given: typeof RenameCollectionInput.$inferInput, context: Context) {
  const { assets } = context.database
  const from = pathIn(given, 'from')
  const to = pathIn(given, 'to')
  const sameKey = collectionKey(from) === collectionKey(to)
  if (!sameKey && liesIn(to, from))
    throw new BadUserInput(`"${echoed(to)}" lies in "${echoed(from)}", which would move into itself.`, {
      argument: 'input.to',
    })
  const has = async (path: string) =>
    (await assets.page({ where: { collections: [path] }, first: 1 })).rows.length > 0
  if (!(await has(from)))
    throw new BadUserInput(`There is no image in a collection "${echoed(from)}".`, {
      argument: 'input.from',
      inputErrorCode: 'NOT_FOUND',
    })
  const merged = !sameKey && (await has(to))
  const move = (path: string) =>
    liesIn(path, from) ? [...stepsOf(to), ...stepsOf(path).slice(stepsOf(from).length)].join('/') : path
  /** @throws BadUserInput where the new path is over a limit */
  const moveAll = ({ collections: before }: AssetRow) => {
    const collections = before.map(move)
    const wrong = complaint({ collections })
    if (wrong !== null) throw new BadUserInput(wrong)
    return { collections }
  }
  const userErrors: UserErrorObject[] = []
  let moved = 0
  let kept = 0
  let after: AssetPosition | null = null
  for (;;) {
    const { rows, hasNextPage } = await assets.page({
      where: { collections: [from] },
      first: rowsAtOnce,
      after,
    })
    const done = await updateEach(rows, moveAll, context, (row, error) => {
      if (!(error instanceof BadUserInput)) throw error
      kept++
      if (userErrors.length < maxNamed)
        userErrors.push({ field: ['input', 'to'], code: 'INVALID', message: `${row.id}: ${error.message}` })
    })
    moved += [...done.values()].filter(({ changed }) => changed.length > 0).length
    if (!hasNextPage) return { collection: to, moved, remaining: kept, merged, userErrors }
    after = positionOf(rows.at(-1)!, newestFirst)
    if (context.remainingMs() < reserveMs) {
      const remaining = await assets.count({ collections: [from] })
      return { collection: to, moved, remaining, merged, userErrors }
    }
  }
}

/** @throws BadUserInput */
function pathIn(given: typeof RenameCollectionInput.$inferInput, field: 'from' | 'to'): string {
  const wrong = complaint({ collections: [given[field]] })
  if (wrong !== null) throw new BadUserInput(wrong, { argument: `input.${field}` })
  return cleanCollection(given[field])
}

builder.mutationField('renameCollection', (t) =>
  t.field({
    type: RenameCollectionPayload,
    nullable: true,
    ...operation(
      'edit',
      'Renames a collection or moves it elsewhere, with all that lies below it.',
      `mutation {
        renameCollection(input: { from: "Brand/2025", to: "Archive/Brand 2025" }) {
          collection moved remaining merged
          userErrors { field message }
        }
      }`,
    ),
    args: { input: t.arg({ type: RenameCollectionInput, required: true, description: 'The two paths.' }) },
    complexity: 100,
    resolve: (_root, { input }, context) =>
      withUserErrors({ collection: null, moved: 0, remaining: 0, merged: false }, () =>
        rename(input, context),
      ),
  }),
)
