import type { ModelCard } from '../registry/card.ts'
import type { Provider } from '../runtime/provider.ts'

/** A model as the encoder serves it now. */
export interface ServedModel {
  card: ModelCard
  isDefault: boolean
  /** In use when loaded, else the first candidate. */
  provider: Provider
  /** Of the weights in use: those of the folder, or derived files in int8 or fp16. */
  precision: string
  loaded: boolean
}

/** The models to choose from. Unlike the {@link Encoder} it loads none. */
export interface ModelCatalogue {
  list(): Promise<ServedModel[]>
  /** The default model when `name` is absent. @throws ModelNotFound, ModelFolderError */
  get(name?: string | null): Promise<ServedModel>
  /** Why the last try to load a model failed; null when it did not, or there was none. */
  failure(card: Pick<ModelCard, 'revision'>): Promise<string | null>
}
