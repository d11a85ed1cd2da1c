import type { ModelCard } from '../registry/card.ts'
import type { Provider } from '../runtime/provider.ts'

/** A model as the encoder serves it now. */
export interface ServedModel {
  card: ModelCard
  isDefault: boolean
  /** In use when loaded, else the one that would be tried first. */
  provider: Provider
  /** Weights in use: as the folder has them, or int8 or fp16 where derived files serve. */
  precision: string
  loaded: boolean
}

/** Which models there are. Apart from {@link Encoder}: it answers without loading a model. */
export interface ModelCatalogue {
  list(): Promise<ServedModel[]>
  /** The default model when `name` is absent. @throws ModelNotFound, ModelFolderError */
  get(name?: string | null): Promise<ServedModel>
  /** Why a model did not load when last tried; null when it did, or was not tried. */
  failure(card: Pick<ModelCard, 'revision'>): Promise<string | null>
}
