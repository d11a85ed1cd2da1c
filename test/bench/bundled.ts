/**
 * What the bundled model costs beside a CLIP of ViT-B/32's size: time of a batch of eight images and of eight texts in
 * ONNX Runtime alone, in turns; size on disk; memory of a session. `npx node test/bench/bundled.ts`
 */
import { statSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { bundledModel } from '../../workers/registry/bundled.ts'
import { store } from './tools.ts'
import { vitFolder } from './vit.ts'

const rows = 8
const rounds = 15

export async function bundledBench(log = (line: string) => console.log(line)): Promise<void> {
  const folders = {
    [bundledModel]: path.resolve('workers/models', bundledModel),
    'ViT-B/32': vitFolder(path.join(store, 'models')),
  }
  const edges = { [bundledModel]: 64, 'ViT-B/32': 224 } as Record<string, number>
  const ends = { [bundledModel]: 2, 'ViT-B/32': 49_407 } as Record<string, number>
  for (const tower of ['vision', 'text'] as const) {
    const opened: {
      name: string
      run: () => Promise<unknown>
      times: number[]
      memory: number
      bytes: number
    }[] = []
    for (const [name, folder] of Object.entries(folders)) {
      const file = path.join(folder, 'onnx', `${tower}_model.onnx`)
      const before = process.memoryUsage().rss
      const session = await ort.InferenceSession.create(file, {
        intraOpNumThreads: os.availableParallelism(),
      })
      const feeds = tower === 'vision' ? images(edges[name]!) : texts(session.inputNames, ends[name]!)
      await session.run(feeds)
      opened.push({
        ...{ name, run: () => session.run(feeds), times: [], bytes: statSync(file).size },
        memory: process.memoryUsage().rss - before,
      })
    }
    for (let round = 0; round < rounds; round++)
      for (const { run, times } of opened) {
        const begun = performance.now()
        await run()
        times.push(performance.now() - begun)
      }
    const shown = opened.map(({ name, times, memory, bytes }) => {
      const median = times.sort((a, b) => a - b)[rounds >> 1]!
      log(
        `${tower}, ${rows} at once, ${name}: ${median.toFixed(1)} ms, file ${(bytes / 1e6).toFixed(1)} MB, session ${(memory / 2 ** 20).toFixed(0)} MB`,
      )
      return median
    })
    log(`  ${bundledModel} / ViT-B/32: ${(shown[0]! / shown[1]!).toFixed(3)}`)
  }
}

function images(edge: number): Record<string, ort.Tensor> {
  const data = Float32Array.from({ length: rows * 3 * edge * edge }, (_, i) => ((i * 37) % 255) / 127 - 1)
  return { pixel_values: new ort.Tensor('float32', data, [rows, 3, edge, edge]) }
}

/** Texts of ten tokens, the last of which ends them. */
function texts(names: readonly string[], end: number): Record<string, ort.Tensor> {
  const tensor = (value: (i: number) => number) =>
    new ort.Tensor(
      'int64',
      BigInt64Array.from({ length: rows * 10 }, (_, i) => BigInt(value(i))),
      [rows, 10],
    )
  const feeds: Record<string, ort.Tensor> = {
    input_ids: tensor((i) => (i % 10 === 9 ? end : 320 + ((i * 7919) % 20_000))),
    attention_mask: tensor(() => 1),
  }
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => names.includes(name)))
}

if (import.meta.main) {
  await bundledBench()
  process.exit(0)
}
