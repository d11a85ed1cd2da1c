/** Rows of guidance runs: what goes on after a restart, and what is forgotten when a run is over. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Database, RunFrame } from '../../../prisma/types.ts'
import { openTestDatabase } from '../../support/database.ts'

let database: Database
let close: () => Promise<void>
beforeAll(async () => {
  const opened = await openTestDatabase()
  database = opened.db
  close = opened.close
})
afterAll(() => close())

const given = {
  generator: 'SHAPES' as const,
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

it('a run goes on from what was saved last', async () => {
  const { id, status } = await database.runs.create(given)
  expect(status).toBe('QUEUED')
  await database.runs.save(id, { ...frame(5), state: Uint8Array.of(9) })
  await database.runs.save(id, { ...frame(10), state: Uint8Array.of(8, 8) })
  expect((await database.runs.unfinished()).map((row) => row.id)).toContain(id)
  const saved = (await database.runs.load(id))!
  expect(saved).toMatchObject({ status: 'RUNNING', step: 10, loss: 0.1, input: given.input })
  expect([saved.start, saved.state, saved.preview].map((bytes) => [...bytes!])).toEqual([
    [1, 2, 3],
    [8, 8],
    [10],
  ])
})

it('a run that is over keeps its image, not what it was made from', async () => {
  const { id } = await database.runs.create(given)
  await database.runs.save(id, { ...frame(5), state: Uint8Array.of(9) })
  const row = (await database.runs.end(id, { status: 'DONE', error: null }, frame(20)))!
  expect(row).toMatchObject({ status: 'DONE', step: 20, svg: '<svg id="20"/>' })
  expect(await database.runs.load(id)).toMatchObject({ start: null, state: null })
  // Whatever comes late is passed over.
  await database.runs.save(id, { ...frame(6), state: Uint8Array.of(7) })
  expect(await database.runs.end(id, { status: 'FAILED', error: 'late' })).toMatchObject({
    status: 'DONE',
    error: null,
  })
  expect(await database.runs.load(id)).toMatchObject({ step: 20, state: null })
  expect((await database.runs.unfinished()).map((of) => of.id)).not.toContain(id)
})

it('a run that failed keeps its last frame and says why', async () => {
  const { id } = await database.runs.create(given)
  await database.runs.save(id, { ...frame(5), state: Uint8Array.of(9) })
  const row = await database.runs.end(id, { status: 'FAILED', error: 'no paint' })
  expect(row).toMatchObject({ status: 'FAILED', error: 'no paint', step: 5 })
  expect(await database.runs.get('run_none')).toBeNull()
  expect(await database.runs.load('run_none')).toBeNull()
  expect(await database.runs.end('run_none', { status: 'STOPPED', error: null })).toBeNull()
})
