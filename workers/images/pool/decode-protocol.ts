/** Messages between the decode pool and its threads. */
import type { WireError } from '../../runtime/wire-errors.ts'
import type { ImageSpec } from '../image-spec.ts'
import type { ImageLimits } from '../open.ts'

export interface DecodeRequest {
  id: number
  bytes: Uint8Array
  image: ImageSpec
  limits: ImageLimits
}

/** `pixels`: the encoder's input as 8-bit RGB. */
export type DecodeReply = { id: number } & ({ pixels: Uint8Array } | { error: WireError })
