/** Two servers on one database: each run is worked at by one of them, and both can follow and stop it. */
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { DrawingRuns, type DrawingRunsOptions } from '../../../workers/drawing/runs/drawing-runs.ts'
import { isOver, type RunRow } from '../../../workers/drawing/runs/run-store.ts'
import { ModelNotFound } from '../../../workers/errors.ts'
import { LocalGuide } from '../../../workers/guidance/local-guide.ts'
import { uniform } from '../../../workers/random.ts'
import { bundledModel } from '../../../workers/registry/bundled.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import type { ModelSpec } from '../../../workers/registry/spec.ts'
import { normalised } from '../../../workers/similarity/vectors.ts'
import { type RecordingRuns, type RunStores, runStores } from '../../support/run-stores.ts'

const cacheFolder = path.join(tmpdir(), 'limn-guide-cache')
const registry = new ModelRegistry({
  bundledFolder: path.resolve('workers/models'),
  homeFolder: path.join(cacheFolder, 'none'),
  cacheFolder,
  defaultModel: bundledModel,
})
const guide = new LocalGuide({ resolve: ({ name }) => registry.get(name), cacheFolder, provider: 'cpu' })

let stores: RunStores
let spec: ModelSpec
/** Each test's servers have ids of their own. */
let [a, b]: RecordingRuns[] = []
let tests = 0
const open: DrawingRuns[] = []

beforeAll(async () => {
  spec = await registry.get()
  stores = await runStores()
})
beforeEach(() => {
  tests++
  a = stores.open(`a${tests}`)
  b = stores.open(`b${tests}`)
})
afterEach(() => Promise.all(open.splice(0).map((runs) => runs.close())))
afterAll(async () => {
  await guide.close()
  await stores?.close()
})

function server(store: RecordingRuns | undefined, options: Partial<DrawingRunsOptions> = {}): DrawingRuns {
  const runs = new DrawingRuns({
    ...{ guide, store: store!, model: (name: string) => registry.get(name) },
    ...{ leaseMs: 1500, lookEveryMs: 200, ...options },
  })
  open.push(runs)
  return runs
}

const random = uniform(1)
async function start(runs: DrawingRuns, steps: number): Promise<string> {
  const vector = normalised(Float32Array.from({ length: spec.dimensions }, () => random() - 0.5))!
  const { id } = await runs.start({
    ...{ model: spec, prompts: [{ vector, weight: 1 }], generator: 'SHAPES', steps, seed: 1 },
    ...{ width: 64, height: 64, elements: 4, palette: null, start: null },
  })
  return id
}

async function followed(runs: DrawingRuns, id: string, until?: (row: RunRow) => boolean): Promise<RunRow[]> {
  const rows: RunRow[] = []
  for await (const row of runs.frames(id, AbortSignal.timeout(40_000))) {
    rows.push(row)
    if (until?.(row)) break
  }
  return rows
}
const isAt = (step: number) => (row: RunRow) => row.step >= step

function expectRising(steps: readonly number[]): void {
  for (const [i, step] of steps.entries()) if (i > 0) expect(step).toBeGreaterThan(steps[i - 1]!)
}

it('two servers share a queue, and each run is written by one of them', async () => {
  const [one, other] = [server(a), server(b)]
  await Promise.all([one.resume(), other.resume()])
  const ids = [await start(one, 40), await start(one, 40), await start(one, 40), await start(one, 40)]
  for (const id of ids) expect((await followed(other, id)).at(-1)).toMatchObject({ status: 'DONE', step: 40 })
  for (const id of ids) {
    const [byA, byB] = [a!.stepsOf(id), b!.stepsOf(id)]
    expect([byA.length, byB.length].filter((count) => count > 0)).toHaveLength(1)
    expectRising([...byA, ...byB])
  }
  expect(a!.saved.length).toBeGreaterThan(0)
  expect(b!.saved.length).toBeGreaterThan(0)
})

it('the run of a server that is closed goes on at another one, from its last saved step', async () => {
  const [one, other] = [server(a), server(b)]
  const id = await start(one, 80)
  await followed(one, id, isAt(20))
  await one.close()
  const reached = a!.stepsOf(id).at(-1)!
  await other.resume()
  const rows = await followed(other, id)
  expect(rows[0]!.step).toBeGreaterThanOrEqual(reached)
  expect(rows.at(-1)).toMatchObject({ status: 'DONE', step: 80 })
  expect(b!.stepsOf(id)[0]).toBe(reached + 5)
  expectRising([...a!.stepsOf(id), ...b!.stepsOf(id)])
})

it('a server that stood still drops the run that another one took over', async () => {
  const [one, other] = [server(a), server(b)]
  const id = await start(one, 60)
  await followed(one, id, isAt(10))
  a!.freeze()
  const reached = (await one.get(id))!.step
  await other.resume()
  await followed(other, id, isAt(reached + 5))
  a!.thaw()
  const [last, seenByOne] = await Promise.all([followed(other, id), followed(one, id)])
  expect(last.at(-1)).toMatchObject({ status: 'DONE', step: 60, error: null })
  expect(seenByOne.at(-1)).toMatchObject({ status: 'DONE', step: 60, error: null })
  expect(a!.stepsOf(id).at(-1)).toBe(reached)
  expectRising([...a!.stepsOf(id), ...b!.stepsOf(id)])
})

it('a run is followed from a server that does not work at it', async () => {
  const [one, other] = [server(a), server(b)]
  const id = await start(one, 60)
  const rows = await followed(other, id)
  expect(rows.length).toBeGreaterThan(1)
  expectRising(rows.filter((row) => !isOver(row)).map(({ step }) => step))
  expect(rows.at(-1)).toMatchObject({ status: 'DONE', step: 60 })
  expect(b!.saved).toEqual([])
})

it('a run is stopped from a server that does not work at it, and those who follow it on both are sent away', async () => {
  const [one, other] = [server(a), server(b)]
  const id = await start(one, 2000)
  const [here, there] = [followed(one, id), followed(other, id)]
  await followed(one, id, isAt(5))
  const stopped = (await other.stop(id))!
  expect(stopped.status).toBe('STOPPED')
  expect(stopped.step).toBe(a!.stepsOf(id).at(-1))
  for (const rows of await Promise.all([here, there])) expect(rows.at(-1)!.status).toBe('STOPPED')
  await sleep(300)
  expect(await one.get(id)).toEqual(stopped)
})

it('a run that waits is stopped from a server that did not start it', async () => {
  const [one, other] = [server(a), server(b)]
  const [busy, waiting] = [await start(one, 2000), await start(one, 2000)]
  const follower = followed(one, waiting)
  expect(await other.stop(waiting)).toMatchObject({ status: 'STOPPED', step: 0 })
  expect((await follower).at(-1)!.status).toBe('STOPPED')
  expect(await one.stop(busy)).toMatchObject({ status: 'STOPPED' })
  expect(await other.stop('run_none')).toBeNull()
})

it('a stop that was requested while no server worked at the run is obeyed by the next one that would', async () => {
  const one = server(a)
  const id = await start(one, 2000)
  await followed(one, id, isAt(5))
  await one.close()
  await a!.requestStop(id)
  const other = server(b)
  await other.resume()
  expect((await followed(other, id)).at(-1)!.status).toBe('STOPPED')
  expect(b!.saved).toEqual([])
})

it('a run whose generator this server does not have fails and names it', async () => {
  const one = server(a)
  const { id } = (await a!.create({ generator: 'SPIRALS', steps: 5, input: { prompts: [] }, start: null }))!
  await one.resume()
  expect((await followed(one, id)).at(-1)).toMatchObject({
    status: 'FAILED',
    error: expect.stringMatching(/no generator "SPIRALS"; it has SHAPES, STROKES/),
  })
})

it('a server leaves runs to others that have the model which it does not have', async () => {
  const model = async (name: string): Promise<never> => {
    throw new ModelNotFound(`There is no model "${name}".`)
  }
  const [one, other] = [server(a), server(b, { model, leaveToOthersMs: 60_000 })]
  const ids = [await start(one, 30), await start(one, 30)]
  await other.resume()
  for (const id of ids) expect((await followed(one, id)).at(-1)!.status).toBe('DONE')
  expect(b!.saved).toEqual([])
})

it('a run whose model is not there fails and names it where there are no other servers', async () => {
  const id = await start(server(a), 200)
  await open.pop()!.close()
  const model = async (name: string): Promise<never> => {
    throw new ModelNotFound(`There is no model "${name}".`)
  }
  const other = server(b, { model })
  await other.resume()
  expect((await followed(other, id)).at(-1)).toMatchObject({
    status: 'FAILED',
    error: `There is no model "${spec.name}".`,
  })
})
