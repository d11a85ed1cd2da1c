import { setTimeout as sleep } from 'node:timers/promises'
import type { Encoded, EncodeInput } from '../workers/encode/encoder.ts'
import type { LocalEncoder } from '../workers/encode/local-encoder.ts'
import { type ItemError, Overloaded } from '../workers/errors.ts'
import type { Log } from '../workers/log.ts'
import type { ModelSpec } from '../workers/registry/spec.ts'
import { makeFit } from '../workers/relevance/make.ts'
import type { RelevanceFits } from '../workers/relevance/store.ts'

export interface RelevanceJobs {
  close(): Promise<void>
}

export interface RelevanceJobsOptions {
  encoder: Pick<LocalEncoder, 'encode' | 'onModelLoaded' | 'stats'>
  fits: RelevanceFits
  log: Log
  /** Pause before the work begins: the first callers, and the deriving of faster files, go first. */
  delayMs?: number
}

/** Nobody waits for a fit. */
const deadlineMs = 600_000
const overloadedMs = 2_000

/** Fits relevance for the models in use that have none yet, one after the other, as bulk work of the encoder. */
export function createRelevanceJobs({
  encoder,
  fits,
  log,
  delayMs = 30_000,
}: RelevanceJobsOptions): RelevanceJobs {
  const seen = new Set<string>()
  const ending = new AbortController()
  const { signal } = ending
  let last: Promise<void> = Promise.resolve()

  async function fit(spec: ModelSpec): Promise<void> {
    // The bundled model brings its fit; another server of this data folder may have made one.
    if (await fits.read(spec)) return
    await sleep(delayMs, undefined, { signal, ref: false })
    if (await fits.read(spec)) return
    const begun = performance.now()
    const made = await makeFit(spec, (inputs) => encodeInTurn(inputs, spec.name))
    await fits.keep(made)
    const ms = Math.round(performance.now() - begun)
    if ('refused' in made)
      return log.warn({ model: spec.name, reason: made.refused, ms }, 'the model gets no relevance')
    log.info({ model: spec.name, ...made.measured, ms }, 'relevance fitted')
  }

  /** A few at a time; while the queue is full it waits. */
  async function encodeInTurn(inputs: readonly EncodeInput[], model: string) {
    const results: (Encoded | ItemError)[] = []
    const atOnce = Math.max(1, Math.min(16, Math.floor(encoder.stats().limit / 8)))
    while (results.length < inputs.length) {
      const some = inputs.slice(results.length, results.length + atOnce)
      try {
        results.push(...(await encoder.encode(some, { model, priority: 'bulk', deadlineMs, signal })))
      } catch (error) {
        if (!(error instanceof Overloaded)) throw error
        await sleep(overloadedMs, undefined, { signal, ref: false })
      }
    }
    return results
  }

  encoder.onModelLoaded((spec) => {
    if (seen.has(spec.revision)) return
    seen.add(spec.revision)
    last = last
      .then(() => fit(spec))
      .catch((err) => {
        if (signal.aborted) return
        // The next time that the model is loaded it is tried again.
        seen.delete(spec.revision)
        log.warn({ model: spec.name, err }, 'relevance could not be fitted')
      })
  })

  return {
    async close() {
      ending.abort()
      await last
    },
  }
}
