import type pg from 'pg'
import type { WordHits, WordSearchRequest, Words } from '../types.ts'
import type { GivenPrompt, WordPlan } from './query/plan.ts'
import { Planner } from './query/planner.ts'
import type { PromptWords } from './query/terms.ts'
import { WordSearch, type WordSearchOptions } from './search/search.ts'
import type { WordsUpkeep } from './upkeep.ts'
import type { Vocabulary } from './vocabulary.ts'

export interface PgWordsOptions extends Omit<WordSearchOptions, 'complete'> {
  pool: pg.Pool
  vocabulary: Vocabulary
  upkeep: WordsUpkeep
}

export class PgWords implements Words {
  readonly #planner: Planner
  readonly #vocabulary: Vocabulary
  readonly #search: WordSearch
  readonly #upkeep: WordsUpkeep

  constructor({ vocabulary, upkeep, ...options }: PgWordsOptions) {
    this.#planner = new Planner(vocabulary)
    this.#vocabulary = vocabulary
    this.#search = new WordSearch({ ...options, complete: () => upkeep.complete })
    this.#upkeep = upkeep
  }

  plan(prompts: readonly GivenPrompt[], fixed?: string | null): Promise<WordPlan | null> {
    return this.#planner.plan(prompts, fixed)
  }

  search(request: WordSearchRequest): Promise<WordHits> {
    return this.#search.run(request)
  }

  unknown(prompt: PromptWords): Promise<string[]> {
    return this.#planner.unknown(prompt)
  }

  near(word: string): Promise<{ term: string; documents: number }[]> {
    return this.#vocabulary.near(word)
  }

  vocabulary(limit: number): Promise<string[]> {
    return this.#vocabulary.frequent(limit)
  }

  idle(): Promise<void> {
    return this.#upkeep.idle()
  }
}
