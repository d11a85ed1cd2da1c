/** The lists that a search by words and meaning merges. */
import type {
  AssetFilter,
  SearchHits,
  SearchRequest,
  WordHit,
  WordPosition,
  WordSearchRequest,
} from '../../types.ts'
import type { WordClass } from './classes.ts'
import { withWords } from './filter.ts'
import type { Source } from './merge.ts'
import { isBehind } from './position.ts'
import type { ScoredRows } from './scored-rows.ts'

export type VectorSearch = (request: SearchRequest) => Promise<SearchHits>

/** Rows that were scored one by one: the best of all, read before. */
export class ScoredSource implements Source {
  readonly rows: readonly WordHit[]
  readonly rest: WordPosition | null
  readonly truncated: boolean

  /** `full`: there may be more behind the last row. */
  constructor(rows: readonly WordHit[], full: boolean, truncated = false) {
    this.rows = rows
    this.rest = full ? rows.at(-1)! : null
    this.truncated = truncated
  }

  async more(): Promise<boolean> {
    return false
  }
}

/** Vectors read beyond the page at first: some of their rows have words, and are other sources'. */
const beyond = 20
const growth = 3
/** More are read by a search that leaves out the rows with words. */
const maxUnfiltered = 300
/** Rows of one class that are read to be scored again. */
const maxRescored = 900

export interface VectorSourceOptions {
  request: WordSearchRequest
  search: VectorSearch
  rows: ScoredRows
}

/**
 * Rows without words, by their vectors alone. At first all rows are read and those with words are dropped, which are
 * few; where they are many the search leaves them out itself.
 */
export class MeaningSource implements Source {
  rows: WordHit[] = []
  rest: WordPosition | null
  truncated = false
  /** The highest product of all rows behind the cursor, once it is known. */
  highest = Number.POSITIVE_INFINITY
  readonly #options: VectorSourceOptions
  readonly #words: string | null
  #size: number
  #filtered = false

  /** `words`: what rows of other sources have; null where there are none. */
  constructor(options: VectorSourceOptions, words: string | null) {
    this.#options = options
    this.#words = words
    this.#size = options.request.first + 1 + beyond
    this.rest = options.request.after ?? first
  }

  async more(): Promise<boolean> {
    if (this.#filtered) return false
    const { request, search, rows } = this.#options
    const words = this.#words
    this.#filtered = words === null || this.#size > maxUnfiltered
    const where = withWords(request.where, { lacks: words !== null && this.#filtered ? [words] : [] })
    const wanted = this.#filtered ? request.first + 1 : this.#size
    const { hits, truncated, hasNextPage } = await search(vectorRequest(request, where, wanted, 0))
    const ids = hits.map(({ assetId }) => assetId)
    const others = words === null || this.#filtered ? new Set() : await rows.having(words, ids)
    this.rows = hits
      .filter(({ assetId }) => !others.has(assetId))
      .map(({ assetId, product }) => ({ assetId, product, score: product, words: 0 }))
    this.truncated = truncated
    const last = hits.at(-1)
    if (!this.#filtered) this.highest = hits[0]?.product ?? Number.NEGATIVE_INFINITY
    this.rest = hasNextPage && last ? { score: last.product, assetId: last.assetId } : null
    this.#size *= growth
    return true
  }
}

export interface ClassSourceOptions extends VectorSourceOptions {
  words: WordClass
  /** No product of any row is higher. */
  highest: number
}

/** Rows of one class of words that are too many to be scored one by one: the nearest are read and scored again. */
export class ClassSource implements Source {
  rows: WordHit[] = []
  rest: WordPosition | null
  truncated = false
  readonly #options: ClassSourceOptions
  #size: number

  constructor(options: ClassSourceOptions) {
    this.#options = options
    const { request, words, highest } = options
    this.#size = request.first + 1 + beyond
    const bound = { score: highest + words.most, assetId: '' }
    this.rest = request.after && !isBehind(bound, request.after) ? request.after : bound
  }

  async more(): Promise<boolean> {
    if (this.#size > maxRescored) return false
    const { request, search, rows, words } = this.#options
    const found = await search(
      vectorRequest(request, withWords(request.where, words), this.#size, words.least),
    )
    const scored = await rows.ofIds(
      request,
      found.hits.map(({ assetId }) => assetId),
    )
    this.rows = request.after ? scored.filter((row) => isBehind(row, request.after!)) : scored
    this.truncated = found.truncated
    const last = found.hits.at(-1)
    this.rest = found.hasNextPage && last ? { score: last.product + words.most, assetId: '' } : null
    this.#size *= growth
    return true
  }
}

/** Before every row. */
const first: WordPosition = { score: Number.POSITIVE_INFINITY, assetId: '' }

/** `least`: what the words add to the rows that are looked for at least. */
function vectorRequest(
  { meaning, after }: WordSearchRequest,
  where: AssetFilter | null,
  count: number,
  least: number,
): SearchRequest {
  const { revision, dimensions, query } = meaning!
  const position = after && {
    product: after.score - least,
    assetId: least === 0 ? after.assetId : '',
    fixed: true,
  }
  return { revision, dimensions, query, where, first: count, after: position ?? null }
}
