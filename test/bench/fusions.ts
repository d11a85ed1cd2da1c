/**
 * What fusing attention would win over the files that Limn derives, on an image tower of ViT-B/32's size in 8 bits and in
 * fp32: medians in turns. ONNX Runtime fuses the rest (QuickGELU, layer normalisation) by itself.
 * `npx node test/bench/fusions.ts`
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { readModel, writeModel } from '../../workers/onnx/file.ts'
import { quantize } from '../../workers/variants/rewrite/int8.ts'
import type { Log } from './tools.ts'
import { attentions, visionModel } from './vit.ts'

const batch = 8
const rounds = 21

export async function fusionsBench(log: Log = console.log): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-fusions-'))
  const file = path.join(folder, 'model.onnx')
  const data = Float32Array.from({ length: batch * 3 * 224 * 224 }, (_, i) => ((i * 37) % 255) / 127 - 1)
  const feeds = { pixel_values: new ort.Tensor('float32', data, [batch, 3, 224, 224]) }
  for (const bits of ['8 bits', 'fp32']) {
    const runs: { name: string; session: ort.InferenceSession; times: number[] }[] = []
    for (const [name, attention] of Object.entries(attentions)) {
      writeFileSync(file, visionModel(attention))
      const model = await readModel(file)
      if (!model.opsetImport!.some(({ domain }) => domain === 'com.microsoft'))
        model.opsetImport!.push({ domain: 'com.microsoft', version: 1 })
      if (bits === '8 bits') quantize(model, () => true)
      const options = { intraOpNumThreads: os.availableParallelism(), logSeverityLevel: 3 } as const
      runs.push({ name, session: await ort.InferenceSession.create(writeModel(model), options), times: [] })
    }
    for (let round = 0; round < rounds; round++)
      for (const { session, times } of runs) {
        const begun = performance.now()
        await session.run(feeds)
        if (round > 0) times.push(performance.now() - begun)
      }
    const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1]!
    const own = median(runs[0]!.times)
    for (const { name, times } of runs)
      log(
        `${bits}, attention ${name}: ${median(times).toFixed(1)} ms, ${(own / median(times)).toFixed(2)} times as fast`,
      )
    for (const { session } of runs) await session.release()
  }
  rmSync(folder, { recursive: true })
}

if (import.meta.main) {
  await fusionsBench()
  process.exit(0)
}
