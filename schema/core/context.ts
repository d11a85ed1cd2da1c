import type { AssetRow, Database } from '../../prisma/types.ts'
import type { DrawingRuns } from '../../workers/drawing/runs.ts'
import type { Encoder } from '../../workers/encode/encoder.ts'
import type { Guide } from '../../workers/guidance/guide.ts'
import type { Library } from '../../workers/ingest/library.ts'
import type { ReadImages } from './images.ts'
import type { Loaders } from './loaders.ts'

/** What the operations stand on; made once per server. */
export interface Services {
  encoder: Encoder
  guide: Guide
  runs: DrawingRuns
  database: Database
  library: Library
  images: ReadImages
}

/** One request's view of the services. */
export interface Context extends Services {
  /** Fires when the caller has gone or the deadline has passed. */
  signal: AbortSignal
  /** Milliseconds that are left of the request's time. */
  remainingMs(): number
  /** Address of a library image's file, absolute. */
  fileUrl(asset: AssetRow): string
  thumbnailUrl(asset: AssetRow, size: number): string
  loaders: Loaders
}
