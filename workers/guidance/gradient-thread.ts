/** Body of the thread that runs a derived graph: embeddings and gradients of a batch of views. */
import { workerData } from 'node:worker_threads'
import * as ort from 'onnxruntime-node'
import { logSeverityLevel, sessionOptions } from '../onnx/session-options.ts'
import { DeviceMutex } from '../runtime/device-mutex.ts'
import type { Provider } from '../runtime/provider.ts'
import { hostSession } from '../runtime/session/session-host.ts'
import type { GradientFile } from './gradient-file.ts'
import { lossInputs } from './loss.ts'

export interface GradientSettings {
  file: GradientFile
  provider: Provider
  threads: number
  dimensions: number
  /** Shape of one view: 3 x height x width. */
  height: number
  width: number
  deviceLock: SharedArrayBuffer
}

/** A batch, rows one after the other; `prompts` of each row, weight 0 where a row has fewer. */
export interface GradientInput {
  rows: number
  prompts: number
  pixels: Float32Array
  targets: Float32Array
  weights: Float32Array
  spherical: Float32Array
}

export interface GradientOutput {
  embeddings: Float32Array
  gradients: Float32Array
  heat: Float32Array | null
}

const { file, provider, threads, dimensions, height, width, deviceLock } = workerData as GradientSettings

await hostSession(async () => {
  const mutex = provider === 'webgpu' ? new DeviceMutex(deviceLock) : null
  const create = () => ort.InferenceSession.create(file.path, sessionOptions(provider, threads))
  const session = await (mutex ? mutex.runExclusive(create) : create())
  const tensor = (data: Float32Array, ...dims: number[]) => new ort.Tensor('float32', data, dims)
  return {
    ready: null,
    async run({ rows, prompts, pixels, targets, weights, spherical }: GradientInput) {
      const feeds = {
        [file.pixels]: tensor(pixels, rows, 3, height, width),
        [lossInputs.targets]: tensor(targets, rows, prompts, dimensions),
        [lossInputs.weights]: tensor(weights, rows, prompts),
        [lossInputs.spherical]: tensor(spherical, rows, 1),
      }
      const run = () => session.run(feeds, { logSeverityLevel })
      const results = await (mutex ? mutex.runExclusive(run) : run())
      const take = (name: string) => (results[name]!.data as Float32Array).slice()
      const output: GradientOutput = {
        embeddings: take(file.embedding),
        gradients: take(file.gradient),
        heat: file.heat ? take(file.heat.output) : null,
      }
      for (const result of Object.values(results)) result.dispose()
      const transfer = [output.embeddings, output.gradients, output.heat].flatMap((part) =>
        part ? [part.buffer as ArrayBuffer] : [],
      )
      return { output, transfer }
    },
  }
})
