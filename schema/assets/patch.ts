/** How a change of an image's labels is given, and what it makes of a row. */
import type { AssetPatch, AssetRow } from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { cleanCollection, joinCollections, liesIn } from '../../workers/ingest/labels/collections.ts'
import type { Labels } from '../../workers/ingest/labels/labels.ts'
import { cleanLine, joinTags } from '../../workers/ingest/labels/texts.ts'
import { complaint } from './checks.ts'

/** New labels of an image. An absent field keeps the value; null clears it. */
export interface LabelChange {
  name?: string | null | undefined
  title?: string | null | undefined
  description?: string | null | undefined
  takenAt?: Date | null | undefined
  tags?: readonly string[] | null | undefined
  addTags?: readonly string[] | null | undefined
  removeTags?: readonly string[] | null | undefined
  collections?: readonly string[] | null | undefined
  addCollections?: readonly string[] | null | undefined
  removeCollections?: readonly string[] | null | undefined
}

/** What is given must be fit to be stored, whatever the row has. @throws BadUserInput naming the field */
export function checkChange(change: LabelChange): void {
  const { name, title, description, tags, collections } = change
  for (const [field, value] of Object.entries({ name, title, description, tags, collections }))
    check(field, { [field]: value })
  check('addTags', { tags: change.addTags })
  check('removeTags', { tags: change.removeTags })
  check('addCollections', { collections: change.addCollections })
  check('removeCollections', { collections: change.removeCollections })
  if (name !== undefined && cleanLine(name ?? '') === '')
    throw new BadUserInput('The name is empty.', { argument: 'input.name' })
}

/** Whether the outcome depends on what the row has now. */
export const editsLists = ({ addTags, removeTags, addCollections, removeCollections }: LabelChange) =>
  [addTags, removeTags, addCollections, removeCollections].some((list) => list != null)

/** Of a change that {@link checkChange} let pass. @throws BadUserInput for more than an image may have */
export function patchOf(change: LabelChange, row: AssetRow): AssetPatch {
  const patch: AssetPatch = {}
  if (change.name != null) patch.name = cleanLine(change.name)
  if (change.title !== undefined) patch.title = change.title
  if (change.description !== undefined) patch.description = change.description
  if (change.takenAt !== undefined) patch.takenAt = change.takenAt
  const { addTags, removeTags, addCollections, removeCollections } = change
  if (change.tags !== undefined) patch.tags = [...(change.tags ?? [])]
  if (addTags != null || removeTags != null) {
    const removed = new Set(removeTags?.map(tagKey))
    patch.tags = [...(patch.tags ?? row.tags), ...(addTags ?? [])].filter((tag) => !removed.has(tagKey(tag)))
    check('addTags', { tags: patch.tags })
    patch.tags = joinTags(patch.tags)
  }
  if (change.collections !== undefined) patch.collections = [...(change.collections ?? [])]
  if (addCollections != null || removeCollections != null) {
    const removed = removeCollections?.map(cleanCollection) ?? []
    patch.collections = [...(patch.collections ?? row.collections), ...(addCollections ?? [])].filter(
      (path) => !removed.some((other) => liesIn(cleanCollection(path), other)),
    )
    check('addCollections', { collections: patch.collections })
    patch.collections = joinCollections(patch.collections)
  }
  return patch
}

const tagKey = (tag: string) => cleanLine(tag).toLowerCase()

function check(field: string, labels: Labels): void {
  const wrong = complaint(labels)
  if (wrong) throw new BadUserInput(wrong, { argument: `input.${field}` })
}
