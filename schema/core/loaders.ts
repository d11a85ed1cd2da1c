import DataLoader from 'dataloader'
import type { AssetRow } from '../../prisma/types.ts'
import { coloursEnricher } from '../../workers/colour/enrichment.ts'
import type { Palette } from '../../workers/colour/palette.ts'
import type { ServedModel } from '../../workers/encode/catalogue.ts'
import { ItemError } from '../../workers/errors.ts'
import { isAssetId } from '../relay/ids.ts'
import type { Concept, ConceptGiven, Context, Loaders } from './context.ts'
import { conceptKey, resolveConcepts } from './resolve-concepts.ts'

export function createLoaders(context: Context): Loaders {
  const perModel = <T>(make: (model: ServedModel) => T) => {
    const made = new Map<string, T>()
    return (model: ServedModel) => {
      const { revision } = model.card
      if (!made.has(revision)) made.set(revision, make(model))
      return made.get(revision)!
    }
  }
  return {
    asset: new DataLoader(async (ids) => {
      const rows = await context.database.assets.byIds(ids.filter(isAssetId))
      return ids.map((id) => rows.get(id) ?? null)
    }),
    concept: perModel((model) => {
      const loader = new DataLoader<ConceptGiven, Concept, unknown>(
        (given) => resolveConcepts(given, model, context),
        { cacheKeyFn: conceptKey },
      )
      return (given) => loader.load(given).catch(itemErrorAsValue)
    }),
    storedVector: perModel(
      (model) =>
        new DataLoader<AssetRow, Float32Array | null>(async (assets) => {
          const vectors = model.isDefault
            ? await context.database.vectors.get(
                model.card.revision,
                assets.map(({ id }) => id),
              )
            : await context.library.vectors(assets, model.card.name)
          return assets.map(({ id }) => vectors.get(id) ?? null)
        }),
    ),
    palette: new DataLoader(async (ids) => {
      const { name, revision } = coloursEnricher
      const palettes = await context.database.enrichments.get(name, revision, ids)
      return ids.map((id) => (palettes.get(id) as Palette | undefined) ?? null)
    }),
  }
}

/** DataLoader turns every Error into a rejection, those that are one item's result too. */
function itemErrorAsValue(error: unknown): ItemError {
  if (error instanceof ItemError) return error
  throw error
}
