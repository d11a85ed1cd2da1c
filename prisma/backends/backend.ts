import type pg from 'pg'
import type { DatabaseInfo, OpenDatabaseOptions } from '../types.ts'

/** All in which one database differs from another: no other file asks which database it has. */
export interface Backend {
  readonly kind: DatabaseInfo['kind']
  /** Connections at most. */
  readonly poolSize: number
  readonly index: IndexFormat
  readonly searchLimits: SearchLimits
  /** SQL with which a connection begins: limits on how long one caller's statement or lock keeps others waiting. */
  readonly sessionSettings: string | null
  /** Whether an index of stored rows can be built while others write. */
  readonly buildsConcurrently: boolean
  /**
   * Starts the database, where it is Limn's own to start.
   * @throws StartupError
   */
  connect(options: OpenDatabaseOptions): Promise<Connection>
  /** Begins, once the schema is there, the upkeep that the database does not do by itself. */
  maintain(pool: pg.Pool, info: DatabaseInfo, options: OpenDatabaseOptions): Closable
}

export interface Closable {
  close(): Promise<void>
}

export interface Connection extends Closable {
  /** Read again at each connect: a database that was started anew may listen elsewhere. */
  readonly config: pg.PoolConfig
}

/** How the HNSW indexes keep vectors. */
export interface IndexFormat {
  readonly type: 'vector' | 'halfvec'
  readonly operatorClass: string
  /** A WITH clause, or nothing. */
  readonly storage: string
}

export interface SearchLimits {
  /** A revision of this many rows or fewer is scanned whole. */
  readonly exactBelow: number
  /** Cost of one row of an index scan, in lookups of one row by its key with the product computed. */
  readonly indexRowCost: number
  /** Up to this many rows an exact scan follows where the index gave too little. */
  readonly fallback: number
  /** Candidates of a first index scan (pgvector's ef_search): its recall rests on them. */
  readonly candidates: number
  /** Up to so many rows with words of a search are scored one by one. */
  readonly wordRows: number
  /** Error of an inner product in the index's precision, per length of the query. */
  readonly error: number
}
