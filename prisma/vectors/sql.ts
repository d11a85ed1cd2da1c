/** How pgvector's types, operators and indexes are written for one model revision. */
import { createHash } from 'node:crypto'
import type { IndexFormat } from '../backends/backend.ts'
import { VectorError } from '../errors.ts'

export interface Space {
  revision: string
  name: string
  dimensions: number
}

/** The HNSW index of one revision, and the SQL that matches its expression and predicate. */
export interface VectorIndex {
  name: string
  /** `v` as the index has it. */
  expression: string
  /** The type that a query is cast to. */
  type: string
  /** A literal: the planner proves a partial index usable from constants only. */
  predicate: string
  create(concurrently: boolean): string
}

/** @throws VectorError */
export function vectorIndex(format: IndexFormat, { revision, dimensions }: Space): VectorIndex {
  checkSpace(revision, dimensions)
  const type = `${format.type}(${dimensions})`
  const expression = `(v::${type})`
  const predicate = `"revision" = '${revision}'`
  // Identifiers have 63 bytes at most.
  const name = `AssetVector_${createHash('sha256').update(revision).digest('hex').slice(0, 24)}_${format.type}`
  return {
    name,
    expression,
    type,
    predicate,
    create: (concurrently) =>
      `CREATE INDEX ${concurrently ? 'CONCURRENTLY ' : ''}IF NOT EXISTS "${name}" ON "AssetVector" USING hnsw (${expression} ${format.operatorClass})${format.storage} WHERE ${predicate}`,
  }
}

/** Revisions stand in DDL as they are. */
export function checkSpace(revision: string, dimensions: number) {
  if (!/^[\w.:-]{1,128}$/.test(revision))
    throw new VectorError(
      `"${revision}" cannot be a model revision: 1 to 128 letters, digits and . _ : - only.`,
    )
  // pgvector's limit for an HNSW index on `vector`.
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 2000)
    throw new VectorError(`A model of ${dimensions} dimensions cannot be indexed: 1 to 2000 can.`)
}

/** @throws VectorError */
export function checkVector(vector: Float32Array, { name, dimensions }: Space) {
  if (vector.length !== dimensions)
    throw new VectorError(
      `A vector of ${vector.length} dimensions is no vector of the model "${name}", which has ${dimensions}.`,
    )
  for (const value of vector)
    if (!Number.isFinite(value)) throw new VectorError('A vector holds a number that is not finite.')
}

/** pgvector's binary form, which the driver sends as it is: int16 dimensions, int16 zero, big-endian float32. */
export function encodeVector(vector: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(4 + 4 * vector.length)
  bytes.writeInt16BE(vector.length, 0)
  bytes.writeInt16BE(0, 2)
  for (let i = 0; i < vector.length; i++) bytes.writeFloatBE(vector[i]!, 4 + 4 * i)
  return bytes
}

/** Of {@link encodeVector}'s form. */
export function decodeVector(bytes: Buffer): Float32Array {
  const vector = new Float32Array(bytes.readInt16BE(0))
  for (let i = 0; i < vector.length; i++) vector[i] = bytes.readFloatBE(4 + 4 * i)
  return vector
}

/** PostgreSQL's binary form of a one-dimensional array of vectors; `oid` is that of the type vector. */
export function encodeVectors(vectors: readonly Float32Array[], oid: number): Buffer {
  const head = Buffer.alloc(20)
  head.writeInt32BE(1, 0)
  head.writeUInt32BE(oid, 8)
  head.writeInt32BE(vectors.length, 12)
  head.writeInt32BE(1, 16)
  const parts: Buffer[] = [head]
  for (const vector of vectors) {
    const bytes = encodeVector(vector)
    const size = Buffer.alloc(4)
    size.writeInt32BE(bytes.length)
    parts.push(size, bytes)
  }
  return Buffer.concat(parts)
}
