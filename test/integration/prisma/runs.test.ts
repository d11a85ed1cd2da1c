/** Rows of drawings: what a run goes on from, what is forgotten at its end, and whose writes count. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NewRun, RunFrame, RunStore } from '../../../workers/drawing/runs/run-store.ts'
import { type RunStores, runStores } from '../../support/run-stores.ts'

let stores: RunStores
let ours: RunStore
let theirs: RunStore

beforeAll(async () => {
  stores = await runStores()
  ours = stores.open('one server')
  theirs = stores.open('another server')
})
afterAll(() => stores?.close())

const newRun: NewRun = {
  generator: 'SHAPES',
  steps: 20,
  input: { model: 'm', nested: [1, 2] },
  start: Uint8Array.of(1, 2, 3),
}
const frame = (step: number): RunFrame => ({
  step,
  loss: 1 / step,
  preview: Uint8Array.of(step),
  previewWidth: 4,
  previewHeight: 3,
  svg: `<svg id="${step}"/>`,
})
const progress = (step: number) => ({ ...frame(step), state: Uint8Array.of(step, 9) })

async function heldRun(): Promise<string> {
  const { id } = (await ours.create(newRun))!
  expect(await ours.claim(id, 60_000)).toBe(true)
  return id
}

it('a run goes on from what was saved last', async () => {
  const { id, status } = (await ours.create(newRun))!
  expect(status).toBe('QUEUED')
  await ours.claim(id, 60_000)
  await ours.save(id, progress(5))
  expect(await ours.save(id, progress(10))).toEqual({ stopRequested: false })
  const saved = (await ours.load(id))!
  expect(saved).toMatchObject({ status: 'RUNNING', step: 10, loss: 0.1, input: newRun.input })
  expect([saved.start, saved.state, saved.preview].map((bytes) => [...bytes!])).toEqual([
    [1, 2, 3],
    [10, 9],
    [10],
  ])
})

it('a run that is over keeps its image, not what it was made from', async () => {
  const id = await heldRun()
  await ours.save(id, progress(5))
  const row = (await ours.end(id, { status: 'DONE', error: null }, frame(20)))!
  expect(row).toMatchObject({ id, status: 'DONE', step: 20, steps: 20, svg: '<svg id="20"/>', error: null })
  expect({ ...row, preview: null }).toEqual({ ...(await ours.get(id)), preview: null })
  expect([...row.preview!]).toEqual([20])
  expect(await ours.load(id)).toMatchObject({ start: null, state: null })
  expect(await ours.free()).not.toContain(id)
})

it('a run that is over does not change any more', async () => {
  const id = await heldRun()
  await ours.end(id, { status: 'DONE', error: null }, frame(20))
  expect(await ours.save(id, progress(6))).toBeNull()
  expect(await ours.end(id, { status: 'FAILED', error: 'late' })).toBeNull()
  await ours.requestStop(id)
  expect(await ours.load(id)).toMatchObject({
    status: 'DONE',
    step: 20,
    error: null,
    state: null,
    stopRequested: false,
  })
})

it('a run that failed keeps its last frame and says why', async () => {
  const id = await heldRun()
  await ours.save(id, progress(5))
  const row = await ours.end(id, { status: 'FAILED', error: 'no paint' })
  expect(row).toMatchObject({ status: 'FAILED', error: 'no paint', step: 5, svg: '<svg id="5"/>' })
})

it('a run that does not exist is null, whatever is done with it', async () => {
  expect(await ours.get('run_none')).toBeNull()
  expect(await ours.load('run_none')).toBeNull()
  expect(await ours.save('run_none', progress(1))).toBeNull()
  expect(await ours.end('run_none', { status: 'STOPPED', error: null })).toBeNull()
})

it('a run that one server holds is not free for another, but is for its holder', async () => {
  const id = await heldRun()
  expect(await theirs.free()).not.toContain(id)
  expect(await theirs.claim(id, 60_000)).toBe(false)
  expect(await ours.free()).toContain(id)
  await ours.release(id)
  expect(await theirs.free()).toContain(id)
  expect(await theirs.claim(id, 60_000)).toBe(true)
})

it('free runs come oldest first', async () => {
  const ids: string[] = []
  for (let i = 0; i < 3; i++) ids.push((await ours.create(newRun))!.id)
  expect((await ours.free()).filter((id) => ids.includes(id))).toEqual(ids)
})

it('a server that holds no lease writes nothing', async () => {
  const { id } = (await ours.create(newRun))!
  expect(await ours.save(id, progress(5))).toBeNull()
  expect(await ours.end(id, { status: 'FAILED', error: 'not mine' })).toBeNull()
  await theirs.claim(id, 60_000)
  expect(await ours.save(id, progress(5))).toBeNull()
  expect(await ours.get(id)).toMatchObject({ status: 'QUEUED', step: 0 })
})

it('a server whose lease went to another one writes nothing, and learns of it when it renews', async () => {
  const { id } = (await ours.create(newRun))!
  await ours.claim(id, 0)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await theirs.claim(id, 60_000)).toBe(true)
  expect(await theirs.save(id, progress(10))).not.toBeNull()
  expect(await ours.renew(id, 60_000)).toBeNull()
  expect(await ours.save(id, progress(5))).toBeNull()
  expect(await ours.end(id, { status: 'DONE', error: null }, frame(20))).toBeNull()
  expect(await ours.get(id)).toMatchObject({ status: 'RUNNING', step: 10 })
})

it('a stop that anybody requests reaches the holder when it renews or saves', async () => {
  const id = await heldRun()
  expect(await ours.renew(id, 60_000)).toEqual({ stopRequested: false })
  await theirs.requestStop(id)
  expect(await ours.renew(id, 60_000)).toEqual({ stopRequested: true })
  expect(await ours.save(id, progress(5))).toEqual({ stopRequested: true })
  expect(await ours.load(id)).toMatchObject({ stopRequested: true })
})

it("a save that meets another server's claim half-way waits for it, and is refused", async () => {
  const id = await heldRun()
  const claim = await stores.pool.connect()
  let settled = false
  let save: Promise<unknown>
  try {
    await claim.query('BEGIN')
    await claim.query(`UPDATE "Lease" SET "owner" = 'another server' WHERE "kind" = 'run' AND "id" = $1`, [
      id,
    ])
    save = ours.save(id, progress(5)).finally(() => {
      settled = true
    })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(settled).toBe(false)
    await claim.query('COMMIT')
  } finally {
    claim.release(true)
  }
  expect(await save).toBeNull()
  expect(await theirs.get(id)).toMatchObject({ step: 0 })
})

describe('keys of requests', () => {
  const key = (name: string, digest = 'one input', caller = 'one caller') => ({ caller, key: name, digest })
  const count = async () =>
    (await stores.pool.query('SELECT count(*)::int AS n FROM "GuidanceRun"')).rows[0].n

  it('a key starts one run, on every server, and tells which', async () => {
    const { id, status } = (await ours.create(newRun, key('a')))!
    expect(status).toBe('QUEUED')
    expect(await ours.load(id)).toMatchObject({ generator: 'SHAPES', steps: 20, input: newRun.input })
    expect([...(await ours.load(id))!.start!]).toEqual([1, 2, 3])
    const before = await count()
    expect(await theirs.create(newRun, key('a'))).toBeNull()
    expect(await theirs.create(newRun, key('a', 'another input'))).toBeNull()
    expect(await theirs.startedWith(key('a', 'another input'))).toEqual({ id, digest: 'one input' })
    expect(await count()).toBe(before)
    expect((await ours.create(newRun, key('a', 'one input', 'another caller')))!.id).not.toBe(id)
  })

  it('of many requests with one key at once one starts a run', async () => {
    const before = await count()
    const stored = await Promise.all(
      Array.from({ length: 12 }, (_, n) => (n % 2 ? ours : theirs).create(newRun, key('at once'))),
    )
    const [row, ...others] = stored.filter((one) => one !== null)
    expect(others).toEqual([])
    expect(await ours.startedWith(key('at once'))).toEqual({ id: row!.id, digest: 'one input' })
    expect(await count()).toBe(before + 1)
  })

  it('a key is forgotten after a day, and with its run', async () => {
    const { id } = (await ours.create(newRun, key('old')))!
    const age = (interval: string) =>
      stores.pool.query(
        `UPDATE "IdempotencyKey" SET "createdAt" = now() - $1::interval WHERE "key" = 'old'`,
        [interval],
      )
    await age('23 hours 59 minutes')
    expect((await ours.startedWith(key('old')))!.id).toBe(id)
    await age('24 hours 1 second')
    expect(await ours.startedWith(key('old'))).toBeNull()
    const again = (await ours.create(newRun, key('old')))!
    expect(again.id).not.toBe(id)
    await ours.claim(again.id, 60_000)
    await ours.end(again.id, { status: 'DONE', error: null })
    await ours.delete([again.id])
    expect(await ours.startedWith(key('old'))).toBeNull()
    const { rows } = await stores.pool.query(`SELECT FROM "IdempotencyKey" WHERE "key" = 'old'`)
    expect(rows).toEqual([])
  })
})
