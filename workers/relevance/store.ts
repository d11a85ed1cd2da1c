/** Where fits are kept: the bundled model's in its folder, those of others in the cache, by the model's revision. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { LRUCache } from 'lru-cache'
import { readJsonObject } from '../fs/read.ts'
import { writeWhole } from '../fs/write.ts'
import { bundledModel } from '../registry/bundled.ts'
import type { ModelCard } from '../registry/card.ts'
import { type Fit, fitVersion, type Refusal } from './fit.ts'
import { RelevanceJudge } from './judge.ts'

/** A fit belongs to a revision: a copy of the bundled model has the bundled model's. */
type Subject = Pick<ModelCard, 'revision'>

/** In the folder of the model that brings its fit. */
export const fitFile = 'relevance.json'

const bundledFit = fileURLToPath(new URL(`../models/${bundledModel}/${fitFile}`, import.meta.url))

/** How long a model counts as having no fit before the file is looked for again, in milliseconds. */
const retryMs = 30_000

/** The fits of this machine's models. */
export class RelevanceFits {
  readonly #folder: string
  readonly #judges = new LRUCache<string, { judge: Promise<RelevanceJudge | null> }>({ max: 16 })

  /** @param cacheFolder LIMN_HOME/cache */
  constructor(cacheFolder: string) {
    this.#folder = path.join(cacheFolder, 'relevance')
  }

  /** Null where the model has no fit, or was refused one: then nothing is said about relevance. */
  of(model: Subject): Promise<RelevanceJudge | null> {
    const known = this.#judges.get(model.revision)
    if (known) return known.judge
    const judge = this.read(model).then((found) =>
      found && 'heads' in found ? new RelevanceJudge(found) : null,
    )
    // What is not there yet may be made by another process.
    this.#judges.set(model.revision, { judge }, { ttl: 0 })
    judge.then(
      (found) => found ?? this.#judges.set(model.revision, { judge }, { ttl: retryMs }),
      () => this.#judges.delete(model.revision),
    )
    return judge
  }

  /** The fit of this version, or why there is none; null where none was made. */
  async read({ revision }: Subject): Promise<Fit | Refusal | null> {
    for (const place of [bundledFit, this.#file(revision)]) {
      const found = (await readJsonObject(place)) as unknown as Fit | Refusal
      const whole = 'refused' in found || ('heads' in found && 'backdrop' in found)
      if (whole && found.version === fitVersion && found.revision === revision) return found
    }
    return null
  }

  async keep(made: Fit | Refusal): Promise<void> {
    await writeWhole(this.#file(made.revision), `${JSON.stringify(made)}\n`)
    this.#judges.delete(made.revision)
  }

  #file(revision: string): string {
    return path.join(this.#folder, `${revision}.json`)
  }
}
