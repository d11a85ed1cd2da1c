/** Messages between a {@link MetadataReader} and its thread. */
import type { EmbeddedMetadata, MetadataHeader } from '../read.ts'

export interface MetadataRequest {
  bytes: Uint8Array
  header: MetadataHeader
}

export type MetadataReply = { ready: true } | { metadata: EmbeddedMetadata }
