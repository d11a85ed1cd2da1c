/**
 * The files that Limn derives from a model: size, agreement with fp32 and speed of each tower alone, for a CLIP of
 * ViT-B/32's size, the bundled model and two tiny CLIPs. What they are worth to callers is in throughput.ts.
 * `npx node test/bench/variants.ts`
 */
import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { bundledModel } from '../../workers/registry/bundled.ts'
import { ModelRegistry } from '../../workers/registry/registry.ts'
import { type ModelSpec, towers } from '../../workers/registry/spec.ts'
import { optimize } from '../../workers/variants/optimize.ts'
import { type Log, mb, store } from './tools.ts'
import { vitFolder, vitName } from './vit.ts'

export async function variantsBench(log: Log = console.log): Promise<void> {
  const root = path.dirname(vitFolder(path.join(store, 'models')))
  const parity = path.resolve('../shared/parity/models')
  const tiny = existsSync(parity) ? ['tiny-clip', 'tiny-clip-gelu'] : []
  for (const name of [vitName, bundledModel]) await agreement(await specOf(root, name), log)
  for (const name of tiny) await agreement(await specOf(parity, name), log)
}

/** A model's own files, from a folder of models or bundled. */
export function specOf(root: string, name: string): Promise<ModelSpec> {
  const registry = new ModelRegistry({
    bundledFolder: path.resolve('workers/models'),
    homeFolder: root,
    cacheFolder: path.join(store, 'cache'),
    defaultModel: name,
    variant: 'fp32',
  })
  return registry.get()
}

async function agreement(spec: ModelSpec, log: Log): Promise<void> {
  const begun = performance.now()
  const record = await optimize(spec, { cacheFolder: path.join(store, 'cache') })
  const taken = ((performance.now() - begun) / 1000).toFixed(0)
  log(
    `${spec.name}: derived and judged in ${taken} s, ten best in common ${(100 * record.overlap).toFixed(1)} %`,
  )
  for (const tower of towers) {
    const { bytes, rewritten, kept, cosine, speedup, reason } = record.towers[tower]
    const own = spec.files.kind === 'combined' ? spec.files.model : spec.files[tower]
    log(
      `  ${tower}: ${mb(statSync(own).size / 1e6)} -> ${mb(bytes / 1e6)}, ${rewritten} products in 8 bits, ${kept.length} in float, ` +
        `cosine ${cosine?.mean.toFixed(5)} (lowest ${cosine?.worst.toFixed(5)}), ${speedup.toFixed(2)} times as fast: ${reason ?? 'taken'}`,
    )
  }
}

if (import.meta.main) {
  await variantsBench()
  process.exit(0)
}
