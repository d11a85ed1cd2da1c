import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { PgLeases } from '../../../prisma/leases.ts'
import { openTestPool } from '../../support/database.ts'

let pool: pg.Pool
let close: () => Promise<void>
let ours: PgLeases
let theirs: PgLeases

beforeAll(async () => {
  ;({ pool, close } = await openTestPool())
  ours = new PgLeases(pool, 'one server')
  theirs = new PgLeases(pool, 'another server')
})
beforeEach(() => pool.query('DELETE FROM "Lease"'))
afterAll(() => close())

it('a lease is held by one server at a time', async () => {
  expect((await ours.claim('run', ['a', 'b', 'a'], 60_000)).sort()).toEqual(['a', 'b'])
  expect(await theirs.claim('run', ['b', 'c'], 60_000)).toEqual(['c'])
})

it('a server may claim what it holds already', async () => {
  await ours.claim('run', ['a'], 60_000)
  expect(await ours.claim('run', ['a'], 60_000)).toEqual(['a'])
})

it('leases of different kinds do not meet', async () => {
  await ours.claim('run', ['a'], 60_000)
  expect(await theirs.claim('index', ['a'], 60_000)).toEqual(['a'])
})

it('a lease that expired goes to whoever claims it, and its first owner can no longer renew it', async () => {
  await ours.claim('run', ['a'], 0)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await theirs.claim('run', ['a'], 60_000)).toEqual(['a'])
  expect(await ours.renew('run', ['a'], 60_000)).toEqual([])
  expect(await ours.claim('run', ['a'], 60_000)).toEqual([])
})

it('a lease that is renewed does not expire', async () => {
  await ours.claim('run', ['a'], 0)
  expect(await ours.renew('run', ['a', 'never held'], 60_000)).toEqual(['a'])
  expect(await theirs.claim('run', ['a'], 60_000)).toEqual([])
})

it('a lease that its owner released is free, and one that another server releases is not', async () => {
  await ours.claim('run', ['a'], 60_000)
  await theirs.release('run', ['a'])
  expect(await theirs.claim('run', ['a'], 60_000)).toEqual([])
  await ours.release('run', ['a'])
  expect(await theirs.claim('run', ['a'], 60_000)).toEqual(['a'])
})

it('a hundred claims at once by two servers give each id to exactly one of them', async () => {
  const ids = Array.from({ length: 40 }, (_, n) => `work ${n}`)
  const claims = await Promise.all(
    Array.from({ length: 50 }, async (_, n) => {
      const mine = ids.slice(n % 7, (n % 7) + 30)
      return [
        ...(await ours.claim('index', mine, 60_000)).map((id) => `ours ${id}`),
        ...(await theirs.claim('index', mine, 60_000)).map((id) => `theirs ${id}`),
      ]
    }),
  )
  const holders = Map.groupBy(new Set(claims.flat()), (claim) => claim.replace(/^\w+ /, ''))
  for (const [id, claim] of holders) expect(claim, id).toHaveLength(1)
})

it('leases that expired a day ago are forgotten', async () => {
  await ours.claim('run', ['old', 'new'], 60_000)
  await pool.query(`UPDATE "Lease" SET "expiresAt" = now() - interval '25 hours' WHERE "id" = 'old'`)
  await ours.forgetExpired()
  expect((await pool.query('SELECT "id" FROM "Lease"')).rows).toEqual([{ id: 'new' }])
})
