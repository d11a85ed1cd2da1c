/** Chooses the execution provider that runs a model: the configured one, or the first that works here. */

import { existsSync, globSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { env, listSupportedBackends } from 'onnxruntime-node'
import { readJsonObject } from '../fs/read.ts'
import { writeWhole } from '../fs/write.ts'
import type { Log } from '../log.ts'
import type { ModelSpec } from '../registry/spec.ts'
import type { Provider } from '../runtime/provider.ts'
import { cosine } from '../similarity/vectors.ts'
import { loadTowerSession } from './tower-session.ts'

/** Candidates on this machine, the fastest first; cpu is always last. */
export function availableProviders(): Provider[] {
  const built = new Set(listSupportedBackends().map(({ name }) => name))
  const candidates: Provider[] = []
  const add = (provider: Provider, hasDevice: boolean) => {
    if (hasDevice && built.has(provider)) candidates.push(provider)
  }
  add('cuda', hasCuda())
  add('coreml', process.platform === 'darwin')
  add('dml', process.platform === 'win32')
  add('webgpu', process.platform !== 'linux' || existsSync('/dev/dri') || hasNvidia())
  return [...candidates, 'cpu']
}

const hasNvidia = () => globSync('/dev/nvidia[0-9]*').length > 0
/** ONNX Runtime's CUDA library is not in the npm package; docs/operations.md tells how to get it. */
const hasCuda = () =>
  hasNvidia() && globSync('../bin/**/libonnxruntime_providers_cuda.so', { cwd: runtimeFolder }).length > 0
const runtimeFolder = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-node'))

interface Benchmark {
  vector: Float32Array
  seconds: number
}

/** Opens a session and runs a made-up image twice: the first run compiles, the second one counts. */
async function benchmark(spec: ModelSpec, provider: Provider): Promise<Benchmark> {
  const session = await loadTowerSession(spec, 'vision', { provider })
  try {
    const pixels = new Uint8Array(spec.image.width * spec.image.height * 3).map(
      (_, i) => (i * 37 + (i >> 7)) & 255,
    )
    const batch = { kind: 'pixels' as const, pixels: new Array(4).fill(pixels) }
    await session.run(batch)
    const { output, seconds } = await session.run(batch)
    return { vector: output.slice(0, spec.dimensions), seconds }
  } finally {
    await session.close()
  }
}

/** The minimum cosine with the CPU's vector: fp16 kernels stay well above. */
const minCosine = 0.99

/**
 * A configured provider, even when it then fails. For `auto` the first candidate that runs the model, agrees with the
 * CPU and is faster; `cacheFolder` keeps the choice for this revision and runtime.
 */
export async function chooseProvider(
  spec: ModelSpec,
  configured: Provider | 'auto',
  cacheFolder: string,
  log: Log,
): Promise<Provider> {
  if (configured !== 'auto') return configured
  const candidates = availableProviders()
  if (candidates.length === 1) return 'cpu'
  const file = path.join(cacheFolder, 'providers.json')
  const known = await readJsonObject(file)
  const key = [spec.revision, env.versions.node, process.platform, process.arch, ...candidates].join(' ')
  const remembered = candidates.find((candidate) => candidate === known[key])
  if (remembered) return remembered
  const reference = await benchmark(spec, 'cpu')
  let chosen: Provider = 'cpu'
  for (const provider of candidates.slice(0, -1)) {
    try {
      const { vector, seconds } = await benchmark(spec, provider)
      const similarity = cosine(vector, reference.vector)
      log.info(
        { model: spec.name, provider, similarity, seconds, cpu: reference.seconds },
        'tried a provider',
      )
      if (similarity < minCosine || seconds > reference.seconds) continue
      chosen = provider
      break
    } catch (error) {
      log.info(
        { model: spec.name, provider, reason: (error as Error).message },
        'provider does not work here',
      )
    }
  }
  await writeWhole(file, JSON.stringify({ ...known, [key]: chosen }))
  return chosen
}
