/** The database as the rest of Limn sees it. The classes behind it: stores.ts names them, open.ts opens them. */

import type { RunStore } from '../workers/drawing/runs/run-store.ts'
import type { ColourCondition, MadeOfCondition } from './colours/filter.ts'
import type { RestartLimits } from './embedded/restarts.ts'
import type { GivenPrompt, WordPlan } from './words/query/plan.ts'
import type { PromptWords } from './words/query/terms.ts'

export type AssetStatus = 'PENDING' | 'READY' | 'FAILED'

export interface AssetRow {
  id: string
  contentHash: string
  name: string
  title: string | null
  description: string | null
  tags: string[]
  /** Paths such as Brand/2025/Logos. */
  collections: string[]
  mimeType: string
  bytes: number
  width: number
  height: number
  status: AssetStatus
  error: string | null
  createdAt: Date
  updatedAt: Date
  /** Null where nobody knows; without an offset it is as if in UTC. */
  takenAt: Date | null
}

export type NewAsset = Pick<
  AssetRow,
  | 'contentHash'
  | 'name'
  | 'title'
  | 'description'
  | 'tags'
  | 'collections'
  | 'mimeType'
  | 'bytes'
  | 'width'
  | 'height'
> & {
  takenAt?: Date | null | undefined
  /** Made where it is absent. */
  id?: string | undefined
}

/** An absent field is left as it is; null clears it. */
export interface AssetPatch {
  name?: string
  title?: string | null
  description?: string | null
  tags?: string[]
  collections?: string[]
  takenAt?: Date | null
}

/** A change of a row as it was read. */
export interface AssetChange {
  row: AssetRow
  patch: AssetPatch
}

/** The contract's AssetWhere: fields are joined by AND, members of a list by OR (tagsAll by AND). */
export interface AssetFilter {
  and?: AssetFilter[] | null
  or?: AssetFilter[] | null
  not?: AssetFilter | null
  ids?: string[] | null
  contentHashes?: string[] | null
  /** Paths: what lies below them is kept too. */
  collections?: string[] | null
  tagsAll?: string[] | null
  tagsAny?: string[] | null
  tagsNone?: string[] | null
  collectionsNone?: string[] | null
  untagged?: boolean | null
  inNoCollection?: boolean | null
  status?: AssetStatus[] | null
  mimeTypes?: string[] | null
  /** Words of name, title, tags, collections and description; see prisma/words/query/query.ts for the syntax. */
  text?: string | null
  orientation?: 'LANDSCAPE' | 'PORTRAIT' | 'SQUARE' | null
  minWidth?: number | null
  minHeight?: number | null
  /** Width / height, inclusive, as all that begins with min and max. */
  minAspect?: number | null
  maxAspect?: number | null
  minBytes?: number | null
  maxBytes?: number | null
  createdAfter?: Date | null
  createdBefore?: Date | null
  takenAfter?: Date | null
  takenBefore?: Date | null
  /** All of these colours, each to its share. */
  colours?: ColourCondition[] | null
  /** One of these families (workers/colour/families.ts). */
  colourFamilies?: string[] | null
  madeOf?: MadeOfCondition | null
  /** Made by searches, never by callers. */
  words?: WordCondition | null
}

/** Conditions on the words, each a tsquery. */
export interface WordCondition {
  /** All of them. */
  has?: readonly string[]
  /** None of them. */
  lacks?: readonly string[]
  /** A model revision that an image has no vector of, which is not READY. */
  unindexed?: string
}

export type AssetOrderField = 'ADDED' | 'TAKEN' | 'UPDATED' | 'NAME' | 'SIZE'
export interface AssetOrder {
  field: AssetOrderField
  /** Rows without a value come last in both directions. */
  direction: 'ASC' | 'DESC'
}
/** A row's place in an order: what it is sorted by (a date as ISO text, a name as it is written), then its id. */
export interface AssetPosition {
  value: string | number | null
  id: string
}

/** Keyset page: exactly one of first and last. */
export interface AssetPageRequest {
  where?: AssetFilter | null
  /** Newest first when absent. */
  orderBy?: AssetOrder | null
  first?: number | null
  after?: AssetPosition | null
  last?: number | null
  before?: AssetPosition | null
}
export interface AssetPage {
  rows: AssetRow[]
  hasNextPage: boolean
  hasPreviousPage: boolean
}

export interface Assets {
  /** Inserts with status PENDING, or returns the row that already has this contentHash. */
  add(asset: NewAsset): Promise<{ row: AssetRow; duplicate: boolean }>
  byIds(ids: readonly string[]): Promise<Map<string, AssetRow>>
  byHashes(hashes: readonly string[]): Promise<Map<string, AssetRow>>
  page(request: AssetPageRequest): Promise<AssetPage>
  /** null when there is no such asset, or when its labels are no longer those of `unchanged`. */
  update(id: string, patch: AssetPatch, unchanged?: AssetRow): Promise<AssetRow | null>
  /** All of them in one statement; returns the new rows of those whose labels are still those of `row`. */
  updateEach(changes: readonly AssetChange[]): Promise<AssetRow[]>
  /** Deletes rows and vectors; returns what was there. */
  delete(ids: readonly string[]): Promise<AssetRow[]>
  /** How many match, exactly however many; all when there is no filter. `before`: only those that were added before this id. */
  count(where?: AssetFilter | null, before?: string): Promise<number>
}

/** Names of prisma/lists/facets.ts. */
export type FacetName = 'tags' | 'collections' | 'types' | 'orientation' | 'aspect' | 'years' | 'statuses'

export interface Total {
  count: number
  /** Above some 10,000 a filter's images are estimated from a sample. */
  isEstimate: boolean
}

/** A value that images have, and how many have it. */
export interface ValueCount {
  /** What tells values apart: the label in lower case. */
  key: string
  /** As most of them write it. */
  label: string
  count: number
}

export interface ValueRequest {
  facet: FacetName
  /** Most images first, then by key; or by key. */
  orderBy: 'COUNT' | 'NAME'
  first: number
  after?: Pick<ValueCount, 'key' | 'count'> | null
  /** Only values that begin so; of collections, paths and names. Regardless of case. */
  prefix?: string | null
  /** Of collections: only those that lie below this one. */
  under?: string | null
  /** Of collections: levels below `under`, or from the top. */
  depth?: number | null
}

export interface ValuePage {
  values: ValueCount[]
  hasNextPage: boolean
  /** How many values there are on all pages. */
  total: number
  isEstimate: boolean
}

/** How many images there are, of which kinds. Without a filter all of it is exact. */
export interface Counts {
  total(where?: AssetFilter | null): Promise<Total>
  /** The values of facets; requests of one call are answered by one look at the images. `total` saves counting them. */
  values(
    where: AssetFilter | null,
    requests: readonly ValueRequest[],
    total?: Promise<Total>,
  ): Promise<ValuePage[]>
}

export interface SearchRequest {
  revision: string
  dimensions: number
  /** Sum of weight x unit vector of the prompts: not normalised. */
  query: Float32Array
  where?: AssetFilter | null
  first: number
  /** Where the page before ended. */
  after?: SearchPosition | null
}
/** A hit's place in the order: inner product descending, then id. */
export interface SearchPosition {
  product: number
  assetId: string
  /** The product counts as it is given, whatever the asset's own is: the place is of another order, or of a bound. */
  fixed?: boolean
}
export interface SearchHits {
  /** Best first. `product` is the inner product of query and stored vector. */
  hits: SearchPosition[]
  hasNextPage: boolean
  /** The index gave up before it had seen enough rows for this filter, or the library is not fully indexed for this revision. */
  truncated: boolean
}

/** What a search by words and meaning has from the prompts' vectors. */
export interface Meaning {
  revision: string
  dimensions: number
  /** Sum of weight x unit vector of the prompts. */
  query: Float32Array
  /** What full coverage by words adds to a cosine. */
  strength: number
}

export interface WordSearchRequest {
  plan: WordPlan
  where?: AssetFilter | null
  first: number
  /** Where the page before ended. */
  after?: WordPosition | null
  /** Absent: by words alone. */
  meaning?: Meaning | null
}
/** A place in the order: score descending, then id. */
export interface WordPosition {
  /** With meaning: sum of weight x (cosine + what the words add); by words alone: their mean by weight. */
  score: number
  assetId: string
}
export interface WordHit extends WordPosition {
  /** Inner product of query and stored vector; null for an image without one, and by words alone. */
  product: number | null
  /** 0..1. */
  words: number
}
export interface WordHits {
  /** Best first. */
  hits: WordHit[]
  hasNextPage: boolean
  /** A bound ended the search before it was sure of the order, or words or vectors of some assets are still missing. */
  truncated: boolean
}

/** Search by words, alone or beside meaning. */
export interface Words {
  /**
   * What the prompts ask for by words, and what each counts.
   * @param fixed of the plan of the page before
   * @returns null where `fixed` is of no such prompts
   */
  plan(prompts: readonly GivenPrompt[], fixed?: string | null): Promise<WordPlan | null>
  search(request: WordSearchRequest): Promise<WordHits>
  /** Words of a prompt that no asset has in any form, folded. */
  unknown(prompt: PromptWords): Promise<string[]>
  /** Words of the library that differ from one in a slip of the hand, the likeliest first. */
  near(word: string): Promise<{ term: string; documents: number }[]>
  /** The library's words, the most frequent first. */
  vocabulary(limit: number): Promise<string[]>
  /** Resolves when all words are written and counted. */
  idle(): Promise<void>
}

export interface Vectors {
  /** Makes the revision known and its HNSW index, if they are not there. */
  register(model: { revision: string; name: string; dimensions: number }): Promise<void>
  registered(): Promise<{ revision: string; name: string; dimensions: number }[]>
  /** Stores vectors, replacing; `ready` also sets those assets READY in the same transaction. Assets deleted meanwhile are passed over. */
  put(
    revision: string,
    rows: readonly { assetId: string; vector: Float32Array }[],
    options?: { ready?: boolean },
  ): Promise<void>
  get(revision: string, assetIds: readonly string[]): Promise<Map<string, Float32Array>>
  /** Assets that lack a vector of this revision and are not FAILED, oldest first, id > after. */
  missing(revision: string, limit: number, after?: string | null): Promise<AssetRow[]>
  /** Marks an asset FAILED with the reason. */
  fail(assetId: string, reason: string): Promise<void>
  /** How many assets have a vector of this revision or are FAILED, and how many there are. */
  progress(revision: string): Promise<Progress>
  search(request: SearchRequest): Promise<SearchHits>
}

/**
 * Who may work at something now, over all servers of one database, so that nothing is done twice at a time. A lease ends
 * by itself: what a dead server held is free after that. Times are the database's.
 */
export interface Leases {
  /** Takes those of `ids` that no other server holds for `ms` milliseconds from now; returns the ids taken. */
  claim(kind: string, ids: readonly string[], ms: number): Promise<string[]>
  /** Prolongs leases of this server; returns the ids that it still held. */
  renew(kind: string, ids: readonly string[], ms: number): Promise<string[]>
  /** Gives leases of this server back. */
  release(kind: string, ids: readonly string[]): Promise<void>
}

/** How far work on all assets has come. `done` counts those that failed too. */
export interface Progress {
  done: number
  failed: number
  total: number
}

/** A result of an enricher, as JSON, or why there is none for this asset. */
export type EnrichmentOutcome = { assetId: string } & ({ result: unknown } | { error: string })

/** Results of enrichers: one for each asset, enricher and revision. */
export interface Enrichments {
  /** Assets that have no row of this enricher and revision, oldest first, id > after. */
  missing(enricher: string, revision: string, limit: number, after?: string | null): Promise<AssetRow[]>
  /** Stores outcomes, replacing. Assets deleted meanwhile are passed over. */
  put(enricher: string, revision: string, outcomes: readonly EnrichmentOutcome[]): Promise<void>
  /** Results by asset id; assets without one are absent. */
  get(enricher: string, revision: string, assetIds: readonly string[]): Promise<Map<string, unknown>>
  /** How many assets have a row, and how many there are. */
  progress(enricher: string, revision: string): Promise<Progress>
  /** Removes rows of every other revision of this enricher. */
  prune(enricher: string, revision: string): Promise<void>
}

/** What a library is made of. */
export interface Census {
  /** How many images look like photographs, and how many there are. Reads every row. */
  photographs(): Promise<{ photographs: number; total: number }>
}

export interface DatabaseInfo {
  kind: 'embedded' | 'postgres'
  /** e.g. 18.6 */
  version: string
  pgvector: string
}

/** On whose behalf the database is asked. A tenant sees its own library alone; null is the one without a name. */
export interface Caller {
  tenant: string | null
}

/** The stores of one tenant. */
export interface ScopedDatabase {
  assets: Assets
  counts: Counts
  vectors: Vectors
  runs: RunStore
  enrichments: Enrichments
  census: Census
  words: Words
}

/** The stores at its own top belong to the server's own work, which is for all tenants. */
export interface Database extends ScopedDatabase {
  info: DatabaseInfo
  leases: Leases
  /** The stores as a caller may use them. @throws UnknownTenant */
  for(caller: Caller): ScopedDatabase
  /** Writes down where the server of this data folder answers, for other commands on it. */
  publish(url: string): void
  /** Resolves when a query works. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface OpenDatabaseOptions {
  /** A PostgreSQL address; the embedded database when absent. */
  url?: string | null
  /** LIMN_HOME: the embedded database lies in `<home>/database`. */
  home: string
  log?: { info(fields: object, message: string): void; warn(fields: object, message: string): void }
  /** How often the embedded database may die within a time before it is given up. */
  restarts?: RestartLimits
  /** The embedded database was given up: nothing will answer any more. The message says what to do. */
  onLost?(error: Error): void
}
