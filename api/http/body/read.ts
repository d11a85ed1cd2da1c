/** Reads the body of a request within its byte limit and the server's budget. */
import type { IncomingMessage } from 'node:http'
import type { Readable, Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { HttpError } from '../../../schema/core/errors.ts'
import { BadUserInput, echoed } from '../../../workers/errors.ts'
import { PayloadTooLarge } from '../../errors.ts'
import type { ByteHold } from './byte-budget.ts'

/** A body as it came, decompressed: never joined, because an upload's parts are read one after another. */
export type Body = readonly Buffer[]

const decompressors: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

/**
 * The limit holds before and after decompression. A refused body is left unread: Node discards the rest, so that the
 * client can read the answer.
 * @throws PayloadTooLarge, Overloaded, HttpError 415 for an unknown encoding, BadUserInput for damaged bytes
 */
export async function readBody(req: IncomingMessage, maxBytes: number, hold: ByteHold): Promise<Body> {
  const declared = declaredLength(req)
  if (declared !== null && declared > maxBytes) throw tooLarge(maxBytes, declared)
  const decompress = decompressorOf(req)
  // Compressed bytes count as they are unpacked, others before they come.
  const reserved = decompress ? 0 : (declared ?? 0)
  hold.take(reserved)
  const chunks: Buffer[] = []
  let size = 0
  const { stream, end } = decompress ? unpacked(req, decompress) : { stream: req, end: () => {} }
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      size += chunk.length
      if (size > maxBytes) throw tooLarge(maxBytes)
      if (size > reserved) hold.take(chunk.length)
      chunks.push(chunk)
    }
    return chunks
  } catch (error) {
    throw decompress && isDamage(error)
      ? new BadUserInput(
          `The body is not valid ${req.headers['content-encoding']}: it is damaged or cut off.`,
        )
      : error
  } finally {
    end()
  }
}

function declaredLength({ headers }: IncomingMessage): number | null {
  const length = headers['content-length']
  return length === undefined ? null : Number(length)
}

function decompressorOf({ headers }: IncomingMessage): (() => Transform) | null {
  const name = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return null
  if (Object.hasOwn(decompressors, name)) return decompressors[name]!
  throw new HttpError(
    415,
    'BAD_USER_INPUT',
    `A body in the encoding "${echoed(name)}" is not read. Send it as it is, or as gzip, deflate or br.`,
  )
}

/** Not a pipeline: a refusal must leave the connection open for the answer. */
function unpacked(req: IncomingMessage, make: () => Transform): { stream: Readable; end(): void } {
  const stream = make()
  const broken = (error: Error) => stream.destroy(error)
  req.once('error', broken)
  req.pipe(stream)
  return {
    stream,
    end: () => {
      req.off('error', broken)
      req.unpipe(stream)
      stream.on('error', () => {}).destroy()
      req.resume()
    },
  }
}

const isDamage = (error: unknown) =>
  /^(Z_|ERR__?ERROR|ERR_BROTLI|ERR_PADDING)/.test(String((error as NodeJS.ErrnoException).code))

const tooLarge = (limit: number, given?: number) =>
  new PayloadTooLarge(
    `The request's body has ${given ?? `more than ${limit}`} bytes; the limit is ${limit} (LIMN_MAX_BODY_BYTES). Send fewer or smaller images at once, or raise the limit.`,
    given === undefined ? { limit } : { limit, given },
  )
