import type DataLoader from 'dataloader'
import type { AssetRow, Database } from '../../prisma/types.ts'
import type { Palette } from '../../workers/colour/palette.ts'
import type { DrawingRuns } from '../../workers/drawing/runs/drawing-runs.ts'
import type { ModelCatalogue, ServedModel } from '../../workers/encode/catalogue.ts'
import type { Encoded, EncodeInput, Encoder } from '../../workers/encode/encoder.ts'
import type { ItemError } from '../../workers/errors.ts'
import type { Guide } from '../../workers/guidance/guide.ts'
import type { LibraryNotices } from '../../workers/ingest/advice/notices.ts'
import type { Suggestions } from '../../workers/ingest/labels/suggestions.ts'
import type { Library } from '../../workers/ingest/library.ts'
import type { RelevanceFits } from '../../workers/relevance/store.ts'
import type { Caller } from './caller.ts'
import type { ImageSource, ReadImages } from './images.ts'

/** What the operations stand on; opened once per server. */
export interface Services {
  encoder: Encoder
  catalogue: ModelCatalogue
  guide: Guide
  runs: DrawingRuns
  database: Database
  library: Library
  /** What a score is worth, for the models that have a fit. */
  relevance: Pick<RelevanceFits, 'of'>
  suggestions: Suggestions
  notices: LibraryNotices
  images: ReadImages
  server: ServerInfo
}

export interface ServerInfo {
  version: string
  limits: ServerLimits
}

/** Limits that the server's owner sets. */
export interface ServerLimits {
  /** Of one image. */
  uploadBytes: number
  pixels: number
  /** Of one request. */
  bodyBytes: number
  deadlineMs: number
}

/** The part of the database that operations read and write. */
export type RequestDatabase = Pick<
  Database,
  'assets' | 'counts' | 'vectors' | 'runs' | 'enrichments' | 'words'
>

/** One request's view of the services. */
export interface Context extends Omit<Services, 'database'> {
  caller: Caller
  database: RequestDatabase
  /** As {@link Encoder.encode}, for this caller and until the request's deadline. */
  encode(inputs: readonly EncodeInput[], model: ServedModel): Promise<(Encoded | ItemError)[]>
  /** Fires when the caller has gone or the deadline has passed. */
  signal: AbortSignal
  /** Milliseconds left until the deadline. */
  remainingMs(): number
  /** Address of a library image's file, absolute. */
  fileUrl(asset: AssetRow): string
  thumbnailUrl(asset: AssetRow, size: number): string
  loaders: Loaders
}

/** One request's loaders: they fetch the keys of one tick together, and none twice. */
export interface Loaders {
  asset: DataLoader<string, AssetRow | null>
  /** An ItemError is a value here: it belongs to one item, and only a prompt turns it into a request error. */
  concept(model: ServedModel): (given: ConceptGiven) => Promise<Concept | ItemError>
  /** The stored vector under the model, null while there is none. Never encodes for the default model. */
  storedVector(model: ServedModel): DataLoader<AssetRow, Float32Array | null>
  /** By asset id; null until the colours are known. */
  palette: DataLoader<string, Palette | null>
}

/** ConceptInput as a resolver gets it: exactly one field is set. */
export interface ConceptGiven extends ImageSource {
  text?: string | null
  assetId?: string | null
  /** A packed vector, base64. */
  vector?: string | null
}

/** A concept in a model's space. */
export interface Concept {
  /** L2-normalised and shared: never write to it. */
  vector: Float32Array
  modality: 'TEXT' | 'IMAGE'
  contentHash: string
  asset?: AssetRow
  text?: string
}
