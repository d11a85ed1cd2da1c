/** Drawings on a database that goes away and comes back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isOver, type RunRow } from '../../workers/drawing/runs/run-store.ts'
import { uniform } from '../../workers/random.ts'
import { type BlippingDatabase, blippingDatabase } from '../support/blips.ts'
import { type TestServer, testServer } from '../support/server.ts'

const seed = Number(process.env.LIMN_TEST_SEED ?? Date.now() % 1_000_000)
const random = uniform(seed)

let database: BlippingDatabase
beforeAll(async () => {
  console.log(`seed ${seed} (LIMN_TEST_SEED repeats it)`)
  database = await blippingDatabase()
})
afterAll(() => database?.close())

const start =
  'mutation ($input: StartDrawingInput!) { startDrawing(input: $input) { drawing { id } userErrors { message } } }'
const stop = 'mutation ($id: ID!) { stopDrawing(input: { id: $id }) { drawing { status } } }'
const input = {
  prompts: [{ text: 'a house' }],
  ...{ generator: 'SHAPES', elements: 6, width: 64, height: 64 },
}

async function startRun(server: TestServer, seed: number, steps: number): Promise<string> {
  const { data, errors } = await server.query(start, { input: { ...input, seed, steps } })
  if (errors) throw new Error(errors[0]!.message)
  return data.startDrawing.drawing.id
}

/** The rows of the runs once all are over. */
async function ends(server: TestServer, ids: readonly string[]): Promise<RunRow[]> {
  const { runs } = server.app.services
  for (;;) {
    const rows = await Promise.all(ids.map((id) => runs.get(id).catch(() => null)))
    if (rows.every((row) => row && isOver(row))) return rows as RunRow[]
    await sleep(50)
  }
}

const opened = () => testServer(database.url ? { databaseUrl: database.url } : {})

it('runs end with the drawings that they would have had when their database goes three times', {
  timeout: 400_000,
}, async () => {
  const server = await opened()
  const seeds = [1, 2, 3, 4]
  const startAll = async () => {
    const ids: string[] = []
    for (const seed of seeds) ids.push(await startRun(server, seed, 24))
    return ids
  }
  const begun = performance.now()
  const undisturbed = await ends(server, await startAll())
  const took = performance.now() - begun
  const ids = await startAll()
  // Meanwhile somebody follows the last one, which waits behind the others.
  const followed = lastFrame(server, ids.at(-1)!)
  let blips = 0
  for (; blips < 3; blips++) {
    await sleep((random() * took) / 4)
    await database.blip(server.app.config.home, [0, 700, 1500][Math.floor(random() * 3)]!)
  }
  const disturbed = await ends(server, ids)
  expect(disturbed.map(({ status, error }) => [status, error])).toEqual(seeds.map(() => ['DONE', null]))
  expect(disturbed.map(({ svg }) => svg)).toEqual(undisturbed.map(({ svg }) => svg))
  expect((await followed)?.svg).toBe(disturbed.at(-1)!.svg)
  await server.close()
})

it('runs that are stopped while their database is away end when it is back', {
  timeout: 200_000,
}, async () => {
  const server = await opened()
  const ids = [await startRun(server, 1, 2000), await startRun(server, 2, 2000)]
  await sleep(500 + random() * 1000)
  const blip = database.blip(server.app.config.home, 2000)
  // The pool has noticed by then.
  await sleep(100)
  const answers = await Promise.all(ids.map((id) => server.query(stop, { id })))
  for (const { status, data } of answers)
    if (status === 200) expect(data.stopDrawing.drawing.status).toBe('STOPPED')
    else expect([503, 504]).toContain(status)
  await blip
  for (const row of await ends(server, ids)) expect(row.status).toBe('STOPPED')
  // The queue goes on.
  const [last] = await ends(server, [await startRun(server, 3, 10)])
  expect(last!.status).toBe('DONE')
  await server.close()
})

async function lastFrame(server: TestServer, id: string): Promise<RunRow | null> {
  let last: RunRow | null = null
  for await (const row of server.app.services.runs.frames(id, AbortSignal.timeout(380_000))) last = row
  return last
}
