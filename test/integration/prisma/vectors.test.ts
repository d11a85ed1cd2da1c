import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VectorError } from '../../../prisma/errors.ts'
import type { Database } from '../../../prisma/types.ts'
import { openTestDatabase } from '../../support/database.ts'

let db: Database
let close: () => Promise<void>
let serial = 0

const add = async () => {
  const texts = { name: 'p.png', title: null, description: null, tags: [], collections: [] }
  const file = { contentHash: `v-${serial++}`, mimeType: 'image/png', bytes: 1, width: 1, height: 1 }
  return (await db.assets.add({ ...texts, ...file })).row
}
const statusOf = async (id: string) => (await db.assets.byIds([id])).get(id)!

beforeAll(async () => {
  const opened = await openTestDatabase()
  db = opened.db
  close = opened.close
  await db.vectors.register({ revision: 'three', name: 'a model', dimensions: 3 })
})
afterAll(() => close())

describe('vectors', () => {
  it('vectors come back bit for bit, one for each revision', async () => {
    const { id } = await add()
    await db.vectors.register({ revision: 'five', name: 'another', dimensions: 5 })
    const three = Float32Array.of(0.1, -1e-20, 1 / 3)
    const five = Float32Array.of(1, 2, 3, 4, 5)
    await db.vectors.put('three', [{ assetId: id, vector: three }])
    await db.vectors.put('five', [{ assetId: id, vector: five }])
    expect(await db.vectors.get('three', [id, 'asset_none'])).toEqual(new Map([[id, three]]))
    expect(await db.vectors.get('five', [id])).toEqual(new Map([[id, five]]))
    expect((await db.vectors.registered()).map(({ name, dimensions }) => [name, dimensions])).toEqual([
      ['a model', 3],
      ['another', 5],
    ])
  })

  it('vectors are replaced; the last of one asset counts', async () => {
    const { id } = await add()
    const vector = Float32Array.of(0, 0, 1)
    await db.vectors.put('three', [{ assetId: id, vector: Float32Array.of(1, 0, 0) }])
    await db.vectors.put('three', [
      { assetId: id, vector: Float32Array.of(0, 1, 0) },
      { assetId: id, vector },
    ])
    expect((await db.vectors.get('three', [id])).get(id)).toEqual(vector)
  })

  it('vectors make their assets ready, pass over those that are gone, and are counted and missed', async () => {
    const [first, second, third] = [await add(), await add(), await add()]
    const missing = async (after?: string) =>
      (await db.vectors.missing('three', 10, after)).map(({ id }) => id)
    expect(await missing()).toEqual([first.id, second.id, third.id])
    expect(await missing(first.id)).toEqual([second.id, third.id])
    await db.assets.delete([second.id])
    const rows = [first, second].map(({ id }) => ({ assetId: id, vector: Float32Array.of(1, 0, 0) }))
    await db.vectors.put('three', rows, { ready: true })
    expect((await statusOf(first.id)).status).toBe('READY')
    expect((await db.vectors.get('three', [second.id])).size).toBe(0)
    expect(await db.vectors.progress('three')).toMatchObject({ failed: 0 })
    await db.vectors.fail(third.id, 'cut short')
    const { done, failed, total } = await db.vectors.progress('three')
    expect({ failed, total }).toEqual({ failed: 1, total: await db.assets.count() })
    expect(done).toBe(total)
    expect(await statusOf(third.id)).toMatchObject({ status: 'FAILED', error: 'cut short' })
    expect(await missing()).toEqual([])
    expect(await db.vectors.missing('three', 10)).toEqual([])
  })

  it('vectors of many calls at once on the same assets neither block nor get lost', async () => {
    const assets = await Promise.all(Array.from({ length: 20 }, add))
    const puts = Array.from({ length: 10 }, (_, round) =>
      db.vectors.put(
        'three',
        assets
          .map(({ id }) => ({ assetId: id, vector: Float32Array.of(round, 1, 0) }))
          .sort(() => (round % 2) - 0.5),
        { ready: true },
      ),
    )
    await Promise.all(puts)
    const stored = await db.vectors.get(
      'three',
      assets.map(({ id }) => id),
    )
    expect(stored.size).toBe(20)
    for (const { id } of assets) expect((await statusOf(id)).status).toBe('READY')
  })

  it('vectors of a wrong length are refused, whoever brings them', async () => {
    const { id } = await add()
    const wrong = db.vectors.put('three', [{ assetId: id, vector: new Float32Array(4) }])
    await expect(wrong).rejects.toThrow(VectorError)
    await expect(wrong).rejects.toThrow(
      'A vector of 4 dimensions is no vector of the model "a model", which has 3.',
    )
    const search = { revision: 'three', dimensions: 3, query: new Float32Array(2), first: 1 }
    await expect(db.vectors.search(search)).rejects.toThrow(VectorError)
    await expect(db.vectors.put('nobody', [{ assetId: id, vector: new Float32Array(3) }])).rejects.toThrow(
      'not registered',
    )
    const other = db.vectors.register({ revision: 'three', name: 'a model', dimensions: 4 })
    await expect(other).rejects.toThrow(/3 dimensions; the model now has 4. Nothing was touched/)
    expect((await db.vectors.registered())[0]!.dimensions).toBe(3)
  })
})
