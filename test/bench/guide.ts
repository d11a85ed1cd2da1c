/**
 * What gradients cost: the time of a guide step over that of a forward pass for a CLIP of ViT-B/32's size, memory, and
 * the steps a second of each generator with the bundled model. `npx node test/bench/guide.ts`
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { gradientFile } from '../../workers/guidance/gradient-file.ts'
import { lossInputs } from '../../workers/guidance/loss.ts'
import { ModelRegistry } from '../../workers/registry/registry.ts'
import { cores } from '../../workers/runtime/cores.ts'
import { drawings } from './drawings.ts'
import { vitFolder, vitName } from './vit.ts'

const store = path.resolve('node_modules/.cache/limn-bench')
const megabytes = () => process.memoryUsage().rss / 2 ** 20

export async function guideBench(rounds = 24): Promise<void> {
  const root = path.dirname(vitFolder(path.join(store, 'models')))
  const registry = new ModelRegistry({
    bundledFolder: path.join(store, 'none'),
    homeFolder: root,
    cacheFolder: store,
    defaultModel: vitName,
  })
  const spec = await registry.get()
  let begun = performance.now()
  const file = await gradientFile(spec, store)
  console.log(`gradient graph ready after ${((performance.now() - begun) / 1000).toFixed(1)} s`)
  const options = {
    intraOpNumThreads: cores,
    extra: { session: { use_device_allocator_for_initializers: '1' } },
  }
  const before = megabytes()
  const forward = await ort.InferenceSession.create((spec.files as { vision: string }).vision, options)
  const between = megabytes()
  const both = await ort.InferenceSession.create(file.path, options)
  const after = megabytes()
  console.log(
    `memory: forward session ${(between - before).toFixed(0)} MB, gradient session ${(after - between).toFixed(0)} MB more`,
  )
  const { width, height } = spec.image
  for (const rows of [1, 8]) {
    const filled = (...dims: number[]) =>
      new ort.Tensor(
        'float32',
        Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i)),
        dims,
      )
    const pixels = { [file.pixels]: filled(rows, 3, height, width) }
    const asked = {
      ...pixels,
      [lossInputs.targets]: filled(rows, 1, spec.dimensions),
      [lossInputs.weights]: filled(rows, 1),
      [lossInputs.spherical]: filled(rows, 1),
    }
    const times: [number[], number[]] = [[], []]
    for (let round = 0; round < rounds; round++)
      for (const [i, run] of [() => forward.run(pixels), () => both.run(asked)].entries()) {
        begun = performance.now()
        await run()
        times[i]!.push(performance.now() - begun)
      }
    const [one, two] = times.map(median) as [number, number]
    console.log(
      `ViT-B/32, batch ${rows}: forward ${one.toFixed(0)} ms, with gradient ${two.toFixed(0)} ms (medians), ratio ${(two / one).toFixed(2)}; memory now ${megabytes().toFixed(0)} MB`,
    )
  }
  await Promise.all([forward.release(), both.release()])
  await stepRates()
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** 512 x 512, 24 elements; the SVG of RECOLOUR has six colours. */
async function stepRates(): Promise<void> {
  const svg = readFileSync(path.resolve('test/fixtures/svg/flat-color-icons-home.svg'))
  await using draw = await drawings()
  for (const generator of ['SHAPES', 'STROKES', 'PIXELS', 'RECOLOUR'] as const) {
    const start = generator === 'RECOLOUR' ? svg : null
    const { stepsPerSecond } = await draw.run({ generator, prompt: 'a house', steps: 60, start })
    console.log(`${generator}: ${stepsPerSecond.toFixed(1)} steps a second with the bundled model`)
  }
}

if (import.meta.main) {
  await guideBench()
  process.exit(0)
}
