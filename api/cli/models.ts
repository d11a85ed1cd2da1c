import { statSync } from 'node:fs'
import path from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { availableProviders } from '../../workers/encode/choose-provider.ts'
import type { Encoder } from '../../workers/encode/encoder.ts'
import { readReferences, recordReferences } from '../../workers/encode/verification/references.ts'
import { type Verification, verifyModel } from '../../workers/encode/verification/verify.ts'
import { ModelFolderError, ModelNotFound } from '../../workers/errors.ts'
import { precisionFor, readRecord, type VariantRecord } from '../../workers/registry/derived.ts'
import { onnxFiles, precisionsOf } from '../../workers/registry/graph-files.ts'
import { pullModel } from '../../workers/registry/hub/pull.ts'
import type { ModelRegistry } from '../../workers/registry/registry.ts'
import {
  type ModelSpec,
  type Precision,
  type Tower,
  towers,
  variantFor,
} from '../../workers/registry/spec.ts'
import { type Provider, providers } from '../../workers/runtime/provider.ts'
import { inWords, optimize } from '../../workers/variants/optimize.ts'
import { openEncoder, openRegistry } from '../app.ts'
import { type Config, readConfig } from '../config.ts'
import { bytes, type Progress, progressOn } from './progress.ts'

const usage = `limn models ls                            the models of this server
limn models pull NAME [--precision fp16]  load one from the model hub (LIMN_HUB_URL), e.g. Xenova/clip-vit-base-patch32
limn models verify [NAME]                 encode the references of one, or of all, again and compare
limn models optimize NAME [--for gpu]     derive faster files, compare them with fp32 and measure their speed

Precisions: fp32, fp16, int8, uint8, q4, q4f16, bnb4; the best that the hub has when none is given. A pull that was
cut goes on where it was. What is pulled is in LIMN_HOME/models and is there at the server's next start.
`

const precisions = ['fp32', 'fp16', 'int8', 'uint8', 'q4', 'q4f16', 'bnb4']

export async function modelsCommand(
  args: string[],
  config: Config = readConfig(process.env).config,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      precision: { type: 'string' },
      for: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [action, name, ...more] = positionals
  const precision = values.precision ?? (config.precision === 'auto' ? null : config.precision)
  if (precision && !precisions.includes(precision))
    throw new Error(`There is no precision "${precision}"; known are ${precisions.join(', ')}.`)
  if (values.help || more.length > 0) return help(values.help ? 0 : 2)
  if (action === 'ls' && !name) return list(config)
  if (action === 'pull' && name) return pull(name, config, precision as Precision | null)
  if (action === 'verify') return verify(name, config)
  if (action === 'optimize' && name) return optimizeModel(name, config, target(values.for, config))
  return help(2)
}

function help(status: number): number {
  console.log(usage)
  return status
}

async function list(config: Config): Promise<number> {
  const registry = openRegistry(config)
  const [specs, problems] = await Promise.all([registry.list(), registry.problems()])
  const broken = new Set(problems.map(({ name }) => name))
  const rows = specs.map((spec) => [
    `${spec.name === registry.defaultName ? '*' : ' '} ${spec.name}`,
    String(spec.dimensions),
    `${spec.image.width} px`,
    String(spec.text.maxTokens),
    precisionsOf(spec.folder).join(' '),
    bytes(onnxFiles(spec.files).reduce((sum, file) => sum + statSync(file).size, 0)),
    spec.licence,
    spec.revision,
    broken.has(spec.name) ? 'does not load' : spec.bundled ? 'bundled' : '',
  ])
  table(['  name', 'dimensions', 'image', 'tokens', 'precision', 'size', 'licence', 'revision', ''], rows)
  await listVariants(specs, config)
  for (const { name, message } of problems) console.error(`✗ ${name}: ${message}`)
  if (problems.length > 0) console.error('`limn models verify NAME` tries one again.')
  if (!rows.some(([name]) => name!.startsWith('*')))
    console.error(`The default model "${registry.defaultName}" (LIMN_MODEL) is not among them.`)
  return problems.length > 0 ? 1 : 0
}

/** What was derived from each model, how well it agrees, how fast it is here, and whether it serves. */
async function listVariants(specs: readonly ModelSpec[], config: Config): Promise<void> {
  for (const spec of specs)
    for (const provider of providers) {
      const revision = spec.revision.replace(/-(int8|fp16)$/, '')
      const record = await readRecord(path.join(config.home, 'cache'), revision, provider)
      if (record) console.log(`\n${shownRecord(spec, provider, record)}`)
    }
}

function shownRecord(spec: ModelSpec, provider: Provider, record: VariantRecord): string {
  const serving: readonly Tower[] = variantFor(spec, provider)?.towers ?? []
  const precision = inWords[precisionFor(provider)]
  const lines = towers.map((tower) => {
    const { file, bytes: size, rewritten, kept, cosine, speedup, reason } = record.towers[tower]
    const what = tower === 'vision' ? 'images' : 'texts   '
    if (!file) return `  ${what}  none: ${reason}`
    const products = `${rewritten} products ${precision}${kept.length > 0 ? `, ${kept.length} in float` : ''}`
    const agrees = `cosine to fp32 ${cosine!.mean.toFixed(4)}, lowest ${cosine!.worst.toFixed(4)}`
    const taken = serving.includes(tower) ? 'serves' : (reason ?? 'not in use')
    return `  ${what}  ${bytes(size)}, ${products}, ${speedup.toFixed(2)} times as fast, ${agrees}: ${taken}`
  })
  const common = `  ten best images in common with fp32: ${(100 * record.overlap).toFixed(1)} %`
  const any = towers.some((tower) => record.towers[tower].file)
  return [`${spec.name}, derived for ${provider}:`, ...lines, ...(any ? [common] : [])].join('\n')
}

/** The provider that files are derived for: `cpu`, or for `gpu` the one that is configured or would be tried first. */
function target(wanted: string | undefined, config: Config): Provider {
  const configured = config.provider === 'auto' ? null : config.provider
  const gpu =
    configured && configured !== 'cpu' ? configured : availableProviders().find((of) => of !== 'cpu')
  if (wanted === 'gpu' && !gpu)
    throw new Error('No GPU provider is to be found on this machine. LIMN_PROVIDER names one to try anyway.')
  if (wanted === 'gpu') return gpu!
  if (wanted && wanted !== 'cpu') throw new Error(`--for takes cpu or gpu, not "${wanted}".`)
  return wanted ? 'cpu' : (configured ?? 'cpu')
}

async function optimizeModel(name: string, config: Config, provider: Provider): Promise<number> {
  const spec = await openRegistry({ ...config, variant: 'fp32' }).get(name)
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error('Stopped.'))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const shown: { progress?: Progress; doing?: string } = {}
  try {
    const record = await optimize(spec, {
      cacheFolder: path.join(config.home, 'cache'),
      provider,
      signal: stop.signal,
      onProgress(done, of, doing) {
        if (doing !== shown.doing) {
          shown.progress?.end()
          shown.progress = progressOn(process.stderr, `${name}: ${doing}`, (amount) => amount.toFixed(0))
          shown.doing = doing
        }
        shown.progress!.update(done, of)
      },
    })
    console.log(shownRecord(await openRegistry(config).get(name), provider, record))
    return 0
  } finally {
    shown.progress?.end()
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

function table(head: string[], rows: string[][]): void {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  )
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
  console.log(process.stdout.isTTY ? styleText('bold', line(head)) : line(head))
  for (const row of rows) console.log(line(row))
}

async function pull(name: string, config: Config, precision: Precision | null): Promise<number> {
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error('Stopped. The same command goes on from here.'))
  process.once('SIGINT', interrupt)
  const progress = progressOn(process.stderr, name)
  try {
    const pulled = await pullModel({
      name,
      precision,
      hubUrl: config.hubUrl,
      registryFolder: path.join(config.home, 'models'),
      signal: stop.signal,
      onProgress: ({ received, total }) => progress.update(received, total),
    })
    progress.end()
    console.log(`${name}: ${bytes(pulled.bytes)}, ${pulled.precision}, every checksum agrees.`)
  } catch (error) {
    progress.end()
    throw error
  } finally {
    process.off('SIGINT', interrupt)
  }
  const status = await verify(name, config)
  if (status === 0 && config.variant !== 'fp32')
    await optimizeModel(name, config, target(undefined, config)).catch((error: Error) =>
      console.error(`No faster files could be derived: ${error.message}`),
    )
  if (status === 0) console.log(`Start the server with LIMN_MODEL=${name} to make it the default.`)
  return status
}

/**
 * Every model, in every precision that it has, on the CPU and on the provider that a server would use. What is broken
 * takes a line and hides nothing.
 */
async function verify(name: string | undefined, config: Config): Promise<number> {
  const registry = openRegistry(config)
  let failures = 0
  const failed = (what: string, error: unknown) => {
    failures++
    console.log(`✗ ${what}: ${error instanceof ModelFolderError ? error.reason : (error as Error).message}`)
  }
  for (const model of name ? [name] : await registry.names()) {
    try {
      const { folder, bundled } = await registry.get(model)
      const all: (Precision | null)[] = bundled ? [null] : precisionsOf(folder)
      for (const precision of all)
        try {
          failures += await verifyPrecision(model, precision, config)
        } catch (error) {
          failed(precision ? `${model} ${precision}` : model, error)
        }
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
    if (!(await readReferences(spec))) {
      await recordReferences(spec, encode)
      console.log(`  ${model} ${spec.files.precision}: references recorded on the CPU`)
    }
    return report(spec, provider, await verifyModel(spec, encode))
  })
  if (config.provider !== 'cpu')
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

function report(spec: ModelSpec, provider: Provider, found: Verification | null): number {
  if (!found) throw new Error(`"${spec.name}" has no references.`)
  const { ok, lowest, problems } = found
  const measured = lowest ? `lowest cosine ${lowest.cosine.toFixed(5)} (${lowest.name})` : 'nothing encoded'
  console.log(`${ok ? '✓' : '✗'} ${spec.name} ${spec.files.precision} on ${provider}: ${measured}`)
  for (const problem of problems) console.log(`    ${problem}`)
  return ok ? 0 : 1
}
