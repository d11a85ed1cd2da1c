import DataLoader from 'dataloader'
import type { AssetRow } from '../../prisma/types.ts'
import type { EncoderModel } from '../../workers/encode/encoder.ts'
import { ItemError } from '../../workers/errors.ts'
import { type Concept, type ConceptGiven, conceptKey, resolveConcepts } from './concepts.ts'
import type { Context } from './context.ts'

/** One request's loaders: what is asked for in one tick is fetched together, and nothing is fetched twice. */
export interface Loaders {
  asset: DataLoader<string, AssetRow | null>
  /** An ItemError is a value here: it belongs to one item, and only a prompt turns it into a request error. */
  concept(model: EncoderModel): (given: ConceptGiven) => Promise<Concept | ItemError>
  /** The stored vector under the model, null while there is none. Never encodes for the default model. */
  storedVector(model: EncoderModel): DataLoader<AssetRow, Float32Array | null>
}

export function createLoaders(context: Context): Loaders {
  const perModel = <T>(make: (model: EncoderModel) => T) => {
    const made = new Map<string, T>()
    return (model: EncoderModel) => {
      const { revision } = model.spec
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
                model.spec.revision,
                assets.map(({ id }) => id),
              )
            : await context.library.vectors(assets, model.spec.name)
          return assets.map(({ id }) => vectors.get(id) ?? null)
        }),
    ),
  }
}

/** Whether an asset could have this id: what could not, a NUL character say, never reaches the database. */
export const isAssetId = (id: string) => /^asset_\w{1,64}$/.test(id)

/** DataLoader turns every Error into a rejection, those that are one item's result too. */
function itemErrorAsValue(error: unknown): ItemError {
  if (error instanceof ItemError) return error
  throw error
}
