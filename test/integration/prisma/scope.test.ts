import { afterAll, beforeAll, expect, it } from 'vitest'
import { UnknownTenant } from '../../../prisma/errors.ts'
import { openTestDatabase } from '../../support/database.ts'

let place: Awaited<ReturnType<typeof openTestDatabase>>
beforeAll(async () => {
  place = await openTestDatabase()
})
afterAll(() => place.close())

it('a caller without a tenant sees the library of the database', async () => {
  const image = { title: null, description: null, tags: [], collections: [], mimeType: 'image/png' }
  const sizes = { bytes: 1, width: 1, height: 1 }
  const scoped = place.db.for({ tenant: null })
  const { row } = await scoped.assets.add({ ...image, ...sizes, contentHash: 'a', name: 'a' })
  expect((await place.db.assets.byIds([row.id])).size).toBe(1)
  expect(Object.keys(scoped)).toEqual([
    ...['assets', 'counts', 'vectors', 'runs', 'enrichments', 'census', 'words'],
  ])
  expect(await scoped.vectors.registered()).toEqual([])
})

it('a caller of a tenant that the database does not hold is refused', () => {
  expect(() => place.db.for({ tenant: 'acme' })).toThrow(UnknownTenant)
  expect(() => place.db.for({ tenant: 'acme' })).toThrow('no tenant "acme"')
})
