import { coloursEnricher } from '../../colour/enrichment.ts'
import type { Palettes } from '../../colour/palettes.ts'
import { storedPalette } from '../../colour/stored.ts'
import type { Enricher } from './enricher.ts'

/** The palette of every image, and what the database needs to find colours in it. */
export function colourEnricher(palettes: Palettes): Enricher {
  return {
    ...coloursEnricher,
    async run(_asset, bytes) {
      const palette = await palettes.of(bytes)
      return { ...palette, ...storedPalette(palette) }
    },
  }
}
