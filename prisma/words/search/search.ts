/**
 * Search by words, alone or beside meaning. A score is a function of the query and the row: the cosine, and what the
 * words add to it. So a place in the order means the same on every page, which no fusion of ranks can say.
 *
 * Rows with words of the query and rows without are lists apart, which are merged. While the former are few they are
 * scored one by one; where they are many, the nearest of each class (rows with all of the common words, with the first
 * only, ...) are read through the vector index and scored again.
 */
import type pg from 'pg'
import { mapDriverErrors } from '../../errors.ts'
import type { WordCondition, WordHits, WordPosition, WordSearchRequest } from '../../types.ts'
import { essentialQueries, type PlannedTerm, type WordPlan } from '../query/plan.ts'
import { allOf, anyOf } from '../query/tsquery.ts'
import { quoted } from '../text/lexemes.ts'
import { classesOf, type WordClass } from './classes.ts'
import { findable, withWords } from './filter.ts'
import { merge, type Source } from './merge.ts'
import { ScoredRows } from './scored-rows.ts'
import { ClassSource, MeaningSource, ScoredSource, type VectorSearch } from './sources.ts'

export interface WordSearchOptions {
  pool: pg.Pool
  search: VectorSearch
  /** Up to so many rows with words are scored one by one. */
  wordRows: number
  /** Whether every asset's words are written. */
  complete(): boolean
}

/** A query that was encoded again may differ in its last bits: the cursor's own row then says where it is. */
const sameScore = 1e-5

export class WordSearch {
  readonly #options: WordSearchOptions
  readonly #rows: ScoredRows

  constructor(options: WordSearchOptions) {
    this.#options = options
    this.#rows = new ScoredRows(options.pool)
  }

  run(given: WordSearchRequest): Promise<WordHits> {
    return mapDriverErrors(async () => {
      const request = {
        ...given,
        where: findable(given.plan, given.where ?? null, { byWords: false }),
        after: await this.#placeOf(given),
      }
      const sources = await this.#sources(request)
      const { rows, truncated } = await merge(sources, request.first + 1)
      return {
        hits: rows.slice(0, request.first),
        hasNextPage: rows.length > request.first,
        truncated: truncated || !this.#options.complete(),
      }
    })
  }

  async #placeOf(request: WordSearchRequest): Promise<WordPosition | null> {
    const { after, meaning } = request
    if (!after || !meaning) return after ?? null
    const [row] = await this.#rows.ofIds({ ...request, after: null }, [after.assetId])
    return row && Math.abs(row.score - after.score) < sameScore ? row : after
  }

  async #sources(request: WordSearchRequest): Promise<Source[]> {
    const words = request.plan.prompts.flatMap(essentialQueries)
    const any = words.length > 0 ? anyOf(words) : null
    const { search } = this.#options
    const meaning = request.meaning ? new MeaningSource({ request, search, rows: this.#rows }, any) : null
    const withAny = any === null ? [] : await this.#withWords(request, any, meaning)
    return meaning ? [meaning, ...withAny] : withAny
  }

  async #withWords(
    request: WordSearchRequest,
    any: string,
    meaning: MeaningSource | null,
  ): Promise<Source[]> {
    const { wordRows } = this.#options
    const terms = essentialTerms(request.plan)
    // A filter may keep few of the rows that have a common word.
    if (request.where || terms.every(({ documents }) => documents <= wordRows)) {
      const all = await this.#scored(request, [any])
      if (all) return [all]
    }
    let common = terms.filter(({ documents }) => documents > wordRows)
    for (;;) {
      const rare = terms.filter((term) => !common.includes(term))
      const apart = [
        ...wholesOf(request.plan),
        ...rare.flatMap(({ levels }) => levels.map(({ query }) => query(''))),
      ]
      // Whole names alone are never too many to be cut: they are before all others.
      const few = apart.length === 0 ? null : await this.#scored(request, [anyOf(apart)], rare.length === 0)
      if (few || apart.length === 0) {
        const classes = classesOf(request.plan, common, apart, request.meaning?.strength ?? 1)
        return [...(few ? [few] : []), ...(await this.#classSources(request, classes, apart, meaning))]
      }
      // More than were counted, or together too many.
      const most = rare.reduce((a, b) => (b.documents > a.documents ? b : a))
      common = [...common, most].sort((a, b) => b.weight - a.weight)
    }
  }

  /** Null where there are too many, or with `cut` the best of some. */
  async #scored(
    request: WordSearchRequest,
    has: readonly string[],
    cut = false,
    more: WordCondition = {},
  ): Promise<Source | null> {
    const where = withWords(request.where, { ...more, has })!
    const { rows, over } = await this.#rows.best(request, where, this.#options.wordRows, { cut })
    return over && !cut ? null : new ScoredSource(rows, rows.length > request.first, over)
  }

  async #classSources(
    request: WordSearchRequest,
    classes: readonly WordClass[],
    apart: readonly string[],
    meaning: MeaningSource | null,
  ): Promise<Source[]> {
    if (!meaning) return Promise.all(classes.map((one) => this.#classByWords(request, one)))
    const highest = await this.#highest(request, meaning)
    const options = { request, search: this.#options.search, rows: this.#rows, highest }
    // Rows of the classes that have no vector yet.
    const unindexed = await this.#scored(request, [anyOf(classes.map(({ has }) => allOf(has)))], true, {
      ...{ lacks: apart, unindexed: request.meaning!.revision },
    })
    return [unindexed!, ...classes.map((words) => new ClassSource({ ...options, words }))]
  }

  /** The highest product of all rows that the filter keeps. */
  async #highest(request: WordSearchRequest, meaning: MeaningSource): Promise<number> {
    if (!request.after) {
      await meaning.more()
      return meaning.highest
    }
    const { revision, dimensions, query } = request.meaning!
    const where = request.where ?? null
    const { hits } = await this.#options.search({ revision, dimensions, query, where, first: 1 })
    return hits[0]?.product ?? Number.NEGATIVE_INFINITY
  }

  /** Without vectors: all rows of a class where they have the same words, else the best of some. */
  async #classByWords(request: WordSearchRequest, { has, lacks, most, least }: WordClass): Promise<Source> {
    const where = withWords(request.where, { has, lacks })!
    if (most !== least) {
      return (await this.#scored(request, has, true, { lacks }))!
    }
    const wanted = request.first + 1
    const { after } = request
    const [sample] = await this.#rows.ofIds(request, await this.#rows.ids(where, null, 1))
    // Too little of what was asked for is nothing.
    if (!sample?.score || (after && sample.score > after.score)) return new ScoredSource([], false)
    const from = after && sample.score === after.score ? after.assetId : null
    const rows = await this.#rows.ofIds(request, await this.#rows.ids(where, from, wanted))
    return new ScoredSource(rows, rows.length === wanted)
  }
}

const essentialTerms = ({ prompts }: WordPlan): PlannedTerm[] =>
  prompts
    .flatMap(({ alternatives }) => alternatives.flatMap(({ terms }) => terms))
    .filter(({ essential }) => essential)
    .sort((a, b) => b.weight - a.weight)

const wholesOf = ({ prompts }: WordPlan): string[] => prompts.flatMap(({ wholes }) => wholes.map(quoted))
