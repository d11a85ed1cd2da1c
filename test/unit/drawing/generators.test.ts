/** The table of generators: each row makes an image of numbers, and goes on from a checkpoint as if nothing had been. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { generatorNamed, generators } from '../../../workers/drawing/generators/index.ts'
import { Painter } from '../../../workers/drawing/painter.ts'
import type { DrawingRequest } from '../../../workers/drawing/request.ts'
import { decodeRequest, encodeRequest } from '../../../workers/drawing/runs/saved-request.ts'
import { defaultLimits } from '../../../workers/images/open.ts'
import { uniform } from '../../../workers/random.ts'
import { bundledModel } from '../../../workers/registry/bundled.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import type { ModelSpec } from '../../../workers/registry/spec.ts'

let spec: ModelSpec
beforeAll(async () => {
  spec = await new ModelRegistry({
    bundledFolder: path.resolve('workers/models'),
    homeFolder: '/nowhere',
    cacheFolder: '/nowhere',
    defaultModel: bundledModel,
  }).get()
})

const svg = readFileSync('test/fixtures/svg/twemoji-red-heart.svg')
const request = (generator: DrawingRequest['generator']): DrawingRequest => ({
  ...{ generator, steps: 10, seed: 4, width: 48, height: 32, elements: 6, palette: ['#e63946', '#1d3557'] },
  start: generatorNamed(generator).needsStart ? svg : null,
})

/** Steps against gradients that stand for an encoder's. */
async function steps(painter: Painter, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const random = uniform(painter.step)
    const views = await painter.views()
    await painter.update(views.map(() => random() - 0.5))
  }
}

it.each(generators.map(({ name }) => name))(
  '%s goes on from a checkpoint to the same drawing',
  async (name) => {
    const open = () => Painter.open(request(name), spec.image, defaultLimits)
    const whole = await open()
    await steps(whole, 4)
    const begun = await open()
    await steps(begun, 2)
    const resumed = await open()
    resumed.restore(begun.save())
    expect(resumed.step).toBe(2)
    await steps(resumed, 2)
    expect(resumed.save()).toEqual(whole.save())
    expect(await resumed.frame()).toEqual(await whole.frame())
  },
)

it.each(generators.map(({ name }) => name))(
  'the row of %s tells whether its drawings are SVGs',
  async (name) => {
    const painter = await Painter.open(request(name), spec.image, defaultLimits)
    const { svg, preview } = await painter.frame()
    expect(svg !== null).toBe(generatorNamed(name).vector)
    expect(Math.max(preview.width, preview.height)).toBeLessThanOrEqual(512)
  },
)

it('a checkpoint of another drawing is refused', async () => {
  const painter = await Painter.open(request('SHAPES'), spec.image, defaultLimits)
  const other = await Painter.open({ ...request('SHAPES'), elements: 7 }, spec.image, defaultLimits)
  expect(() => painter.restore(other.save())).toThrow('of another drawing')
})

it('a name that is no generator is refused with those that are', () => {
  expect(() => generatorNamed('SPIRALS')).toThrow(
    'This server has no generator "SPIRALS"; it has SHAPES, STROKES, PIXELS, RECOLOUR.',
  )
})

it('a request survives being stored as JSON', () => {
  const given = request('RECOLOUR')
  const prompts = [{ vector: Float32Array.of(0.1, -0.2, 0.3), weight: -0.5 }]
  const { input, ...columns } = encodeRequest({ ...given, model: spec, prompts })
  expect(columns).toEqual({ generator: 'RECOLOUR', steps: 10, start: svg })
  expect(Object.keys(input).sort()).toEqual(['model', 'prompts', 'request', 'revision'])
  const stored = { ...columns, input: JSON.parse(JSON.stringify(input)) }
  expect(decodeRequest(stored)).toEqual({
    model: spec.name,
    revision: spec.revision,
    request: given,
    prompts,
  })
})
