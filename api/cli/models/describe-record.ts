import { precisionFor, type VariantRecord } from '../../../workers/registry/derived.ts'
import { type ModelSpec, type Tower, towers, variantFor } from '../../../workers/registry/spec.ts'
import type { Provider } from '../../../workers/runtime/provider.ts'
import { inWords } from '../../../workers/variants/rewrite/write-tower.ts'
import { bytes } from '../shared/progress.ts'

/** A model's derived files in words: how close, how fast, and whether they serve. */
export function describeRecord(spec: ModelSpec, provider: Provider, record: VariantRecord): string {
  const serving: readonly Tower[] = variantFor(spec, provider)?.towers ?? []
  const precision = inWords[precisionFor(provider)]
  const lines = towers.map((tower) => {
    const { file, bytes: size, rewritten, kept, cosine, speedup, reason } = record.towers[tower]
    const inputs = tower === 'vision' ? 'images' : 'texts   '
    if (!file) return `  ${inputs}  none: ${reason}`
    const products = `${rewritten} products ${precision}${kept.length > 0 ? `, ${kept.length} in float` : ''}`
    const agrees = `cosine to fp32 ${cosine!.mean.toFixed(4)}, lowest ${cosine!.worst.toFixed(4)}`
    const taken = serving.includes(tower) ? 'serves' : (reason ?? 'not in use')
    return `  ${inputs}  ${bytes(size)}, ${products}, ${speedup.toFixed(2)} times as fast, ${agrees}: ${taken}`
  })
  const common = `  ten best images in common with fp32: ${(100 * record.overlap).toFixed(1)} %`
  const any = towers.some((tower) => record.towers[tower].file)
  return [`${spec.name}, derived for ${provider}:`, ...lines, ...(any ? [common] : [])].join('\n')
}
