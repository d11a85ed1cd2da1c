import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestDatabase } from '../../support/database.ts'

let place: Awaited<ReturnType<typeof openTestDatabase>>
let ids: string[]

beforeAll(async () => {
  place = await openTestDatabase()
  const image = { title: null, description: null, tags: [], collections: [], mimeType: 'image/png' }
  ids = []
  for (const name of ['a', 'b', 'c']) {
    const { row } = await place.db.assets.add({
      ...image,
      contentHash: name,
      name,
      bytes: 1,
      width: 1,
      height: 1,
    })
    ids.push(row.id)
  }
})
afterAll(() => place.close())

const missing = async (revision: string) =>
  (await place.db.enrichments.missing('colours', revision, 10)).map(({ name }) => name)

it('assets that an enricher has not seen are missing, page by page', async () => {
  expect(await missing('1')).toEqual(['a', 'b', 'c'])
  expect((await place.db.enrichments.missing('colours', '1', 10, ids[0]!)).map(({ name }) => name)).toEqual([
    'b',
    'c',
  ])
})

it('outcomes are stored and replaced, and an error counts as seen', async () => {
  const { enrichments } = place.db
  await enrichments.put('colours', '1', [
    { assetId: ids[0]!, result: { main: 'red' } },
    { assetId: ids[1]!, error: 'The image is damaged.' },
    { assetId: 'asset_gone', result: {} },
  ])
  expect(await missing('1')).toEqual(['c'])
  expect(await enrichments.progress('colours', '1')).toEqual({ done: 2, failed: 1, total: 3 })
  await enrichments.put('colours', '1', [{ assetId: ids[1]!, result: ['blue', null, 1.5] }])
  expect(await enrichments.get('colours', '1', ids)).toEqual(
    new Map<string, unknown>([
      [ids[0]!, { main: 'red' }],
      [ids[1]!, ['blue', null, 1.5]],
    ]),
  )
})

it('another revision begins anew, and older ones can be pruned', async () => {
  const { enrichments } = place.db
  expect(await missing('2')).toEqual(['a', 'b', 'c'])
  await enrichments.put('colours', '2', [{ assetId: ids[0]!, result: 'x' }])
  await enrichments.prune('colours', '2')
  expect(await missing('1')).toEqual(['a', 'b', 'c'])
  expect(await missing('2')).toEqual(['b', 'c'])
})

it('outcomes go with their asset', async () => {
  await place.db.assets.delete([ids[0]!])
  expect(await place.db.enrichments.progress('colours', '2')).toEqual({ done: 0, failed: 0, total: 2 })
})
