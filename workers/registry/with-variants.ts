/** Which of a model's derived files serve. */
import path from 'node:path'
import type { Provider } from '../runtime/provider.ts'
import { precisionFor, readRecord, type VariantRecord, variantBase } from './derived.ts'
import { type ModelSpec, type Tower, towers, type Variant } from './spec.ts'

/** Which files serve a model: `auto` takes the derived ones where they pass the gate and are faster here. */
export type VariantChoice = 'auto' | 'fp32' | Variant['name']

/**
 * The model with the chosen derived files for each of `providers`: a precision takes all there are, `auto` those that
 * pass the gate. Vectors that are not compatible with stored fp32 vectors are of a revision of their own, so such files
 * serve only where a single provider leaves no doubt which revision that is.
 */
export async function withVariants(
  spec: ModelSpec,
  choice: VariantChoice,
  cacheFolder: string,
  providers: readonly Provider[],
): Promise<ModelSpec> {
  const found = await Promise.all(
    providers.map(async (provider) => {
      if (choice !== 'auto' && choice !== precisionFor(provider)) return null
      const record = await readRecord(cacheFolder, spec.revision, provider)
      const variant = record && variantOf(spec, record, provider, choice, cacheFolder)
      return variant && (variant.sameSpace || providers.length === 1) ? variant : null
    }),
  )
  const variants = found.filter((variant) => variant !== null)
  const apart = variants.find(({ sameSpace }) => !sameSpace)
  return { ...spec, variants, revision: apart ? `${spec.revision}-${apart.name}` : spec.revision }
}

function variantOf(
  { files, revision }: ModelSpec,
  record: VariantRecord,
  provider: Provider,
  choice: VariantChoice,
  cacheFolder: string,
): Variant | null {
  const serving = towers.filter((tower) => {
    const { file, reason } = record.towers[tower]
    return file && (choice !== 'auto' || !reason)
  })
  if (serving.length === 0) return null
  const folder = path.dirname(variantBase(cacheFolder, revision, provider))
  const fileOf = (tower: Tower) => {
    if (serving.includes(tower)) return path.join(folder, record.towers[tower].file!)
    return files.kind === 'combined' ? files.model : files[tower]
  }
  return {
    provider,
    name: precisionFor(provider),
    towers: serving,
    // The gate lets compatible vectors pass only, and `auto` takes nothing else.
    sameSpace: choice === 'auto' || record.sameSpace,
    shortTexts: record.shortTexts,
    files: {
      kind: 'separate',
      vision: fileOf('vision'),
      text: fileOf('text'),
      precision: files.precision,
    },
  }
}
