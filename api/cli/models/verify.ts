/** `limn models verify`: encodes a model's references again and compares. */
import type { Encoder } from '../../../workers/encode/encoder.ts'
import { readReferences, recordReferences } from '../../../workers/encode/verification/references.ts'
import { type Verification, verifyModel } from '../../../workers/encode/verification/verify.ts'
import { ModelFolderError, ModelNotFound } from '../../../workers/errors.ts'
import { precisionsOf } from '../../../workers/registry/graph-files.ts'
import type { ModelRegistry } from '../../../workers/registry/registry.ts'
import type { ModelSpec, Precision } from '../../../workers/registry/spec.ts'
import type { Provider } from '../../../workers/runtime/provider.ts'
import { openEncoder, openRegistry } from '../../app.ts'
import type { Config } from '../../config.ts'
import { fitRelevanceOf } from './fit-relevance.ts'

/**
 * Verifies one model or all, in every precision that it has, on the CPU and on the provider that a server would use. A
 * model that is broken takes a line and hides no other.
 */
export async function verify(name: string | undefined, config: Config): Promise<number> {
  const registry = openRegistry(config)
  let failures = 0
  const failed = (subject: string, error: unknown) => {
    failures++
    console.log(
      `✗ ${subject}: ${error instanceof ModelFolderError ? error.reason : (error as Error).message}`,
    )
  }
  for (const model of name ? [name] : await registry.names()) {
    try {
      const before = failures
      const { folder, bundled } = await registry.get(model)
      const all: (Precision | null)[] = bundled ? [null] : precisionsOf(folder)
      for (const precision of all)
        try {
          failures += await verifyPrecision(model, precision, config)
        } catch (error) {
          failed(precision ? `${model} ${precision}` : model, error)
        }
      if (failures === before) await fitRelevanceOf(model, config)
    } catch (error) {
      if (error instanceof ModelNotFound) throw error
      failed(model, error)
    }
  }
  return failures > 0 ? 1 : 0
}

async function verifyPrecision(model: string, precision: Precision | null, config: Config): Promise<number> {
  const registry = openRegistry({ ...config, model, precision: precision ?? 'auto', variant: 'fp32' })
  const spec = await registry.get(model)
  let failures = await withEncoder(registry, config, 'cpu', async (encoder, provider) => {
    const encode = encoder.encode.bind(encoder)
    if (spec.cached) return reportCached(spec, encode)
    if (!(await readReferences(spec))) {
      await recordReferences(spec, encode)
      console.log(`  ${model} ${spec.files.precision}: references recorded on the CPU`)
    }
    return report(spec, provider, await verifyModel(spec, encode))
  })
  if (config.provider !== 'cpu' && !spec.cached)
    failures += await withEncoder(registry, config, config.provider, async (encoder, provider) =>
      provider === 'cpu' ? 0 : report(spec, provider, await verifyModel(spec, encoder.encode.bind(encoder))),
    )
  return failures
}

async function withEncoder(
  registry: ModelRegistry,
  config: Config,
  wanted: Config['provider'],
  work: (encoder: Encoder, provider: Provider) => Promise<number>,
): Promise<number> {
  const encoder = openEncoder(registry, { ...config, provider: wanted })
  try {
    // Which provider works is known once the model is loaded.
    await encoder.ready()
    return await work(encoder, (await encoder.get()).provider)
  } finally {
    await encoder.close()
  }
}

/** Nothing is written into the Hugging Face cache, so there are no references to compare with. */
async function reportCached(spec: ModelSpec, encode: Encoder['encode']): Promise<number> {
  const [result] = await encode([{ text: 'a red heart' }], { model: spec.name })
  if (result instanceof Error) throw result
  console.log(
    `✓ ${spec.name} ${spec.files.precision} encodes; in the Hugging Face cache no references are kept`,
  )
  return 0
}

function report(spec: ModelSpec, provider: Provider, found: Verification | null): number {
  if (!found) throw new Error(`"${spec.name}" has no references.`)
  const { ok, lowest, problems } = found
  const measured = lowest ? `lowest cosine ${lowest.cosine.toFixed(5)} (${lowest.name})` : 'nothing encoded'
  console.log(`${ok ? '✓' : '✗'} ${spec.name} ${spec.files.precision} on ${provider}: ${measured}`)
  for (const problem of problems) console.log(`    ${problem}`)
  return ok ? 0 : 1
}
