/** `limn models ls`: a table of the models, what was derived from each, and the ones that do not load. */
import { statSync } from 'node:fs'
import path from 'node:path'
import { styleText } from 'node:util'
import { readRecord } from '../../../workers/registry/derived.ts'
import { onnxFiles, precisionsOf } from '../../../workers/registry/graph-files.ts'
import { recommendedModels } from '../../../workers/registry/purpose.ts'
import type { ModelSpec } from '../../../workers/registry/spec.ts'
import { providers } from '../../../workers/runtime/provider.ts'
import { openRegistry } from '../../app.ts'
import type { Config } from '../../config.ts'
import { bytes } from '../shared/progress.ts'
import { describeRecord } from './describe-record.ts'

export async function listModels(config: Config): Promise<number> {
  const registry = openRegistry(config)
  const [specs, problems] = await Promise.all([registry.list(), registry.problems()])
  const broken = new Set(problems.map(({ name }) => name))
  const sizes = await Promise.all(specs.map(sizeOf))
  const rows = specs.map((spec, i) => [
    `${spec.name === registry.defaultName ? '*' : ' '} ${spec.name}`,
    String(spec.dimensions),
    `${spec.image.width} px`,
    String(spec.text.maxTokens),
    precisionsOf(spec.folder).join(' '),
    bytes(sizes[i]!),
    spec.licence,
    spec.revision,
    broken.has(spec.name) ? 'does not load' : spec.bundled ? 'bundled' : spec.cached ? spec.folder : '',
  ])
  table(['  name', 'dimensions', 'image', 'tokens', 'precision', 'size', 'licence', 'revision', ''], rows)
  await listVariants(specs, config)
  await listRecommended(new Set(specs.map(({ name }) => name)))
  for (const { name, message } of problems) console.error(`✗ ${name}: ${message}`)
  if (problems.length > 0) console.error('`limn models verify NAME` tries one again.')
  if (!rows.some(([name]) => name!.startsWith('*')))
    console.error(`The default model "${registry.defaultName}" (LIMN_MODEL) is not among them.`)
  return problems.length > 0 ? 1 : 0
}

async function sizeOf({ files }: ModelSpec): Promise<number> {
  return (await onnxFiles(files)).reduce((sum, file) => sum + statSync(file).size, 0)
}

async function listVariants(specs: readonly ModelSpec[], config: Config): Promise<void> {
  for (const spec of specs)
    for (const provider of providers) {
      const revision = spec.revision.replace(/-(int8|fp16)$/, '')
      const record = await readRecord(path.join(config.home, 'cache'), revision, provider)
      if (record) console.log(`\n${describeRecord(spec, provider, record)}`)
    }
}

/** Models that can be pulled, but for those that are here. */
async function listRecommended(here: ReadonlySet<string>): Promise<void> {
  const others = (await recommendedModels()).filter(({ name }) => !here.has(name))
  if (others.length === 0) return
  console.log('\nTo be had by `limn models pull NAME`:\n')
  table(
    ['name', 'size', 'licence', 'knows'],
    others.map(({ name, megabytes, licence, knows }) => [name, `${megabytes} MB`, licence, knows]),
  )
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
