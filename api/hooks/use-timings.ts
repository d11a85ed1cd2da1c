import { isAsyncIterable, type Plugin } from 'graphql-yoga'
import { type StageSeconds, stages } from '../../workers/runtime/stages.ts'

/** Milliseconds over the inputs that were encoded for a request. */
interface Spread {
  mean: number
  max: number
}

/** `extensions.timings` of an answer. */
export interface TimingsReport extends Record<`${keyof StageSeconds}Ms`, Spread | null> {
  /** From the arrival of the request's headers to the answer. */
  totalMs: number
  /** Inputs that were encoded; answers of the cache and stored vectors are none. */
  encoded: number
}

/** Where the time of one request goes. */
export class Timings {
  readonly #begun = performance.now()
  readonly #inputs: StageSeconds[] = []

  /** An input was encoded for the request. */
  readonly add = (seconds: StageSeconds): void => {
    this.#inputs.push(seconds)
  }

  report(): TimingsReport {
    const spreads = stages.map((stage) => [`${stage}Ms`, this.#spread(stage)])
    return {
      totalMs: rounded(performance.now() - this.#begun),
      encoded: this.#inputs.length,
      ...(Object.fromEntries(spreads) as Record<`${keyof StageSeconds}Ms`, Spread | null>),
    }
  }

  #spread(stage: keyof StageSeconds): Spread | null {
    if (this.#inputs.length === 0) return null
    const ms = this.#inputs.map((input) => 1000 * Math.max(0, input[stage]))
    return { mean: rounded(ms.reduce((sum, one) => sum + one, 0) / ms.length), max: rounded(Math.max(...ms)) }
  }
}

/** To a hundredth. */
const rounded = (ms: number) => Math.round(100 * ms) / 100

/** Says in `extensions.timings` where the time went, for requests with the header `x-limn-timings: 1`. */
export function useTimings(): Plugin<object, { timings?: Timings }> {
  return {
    onRequestParse({ request, serverContext }) {
      if (request.headers.get('x-limn-timings') === '1') serverContext.timings = new Timings()
    },
    onResultProcess({ result, setResult, serverContext: { timings } }) {
      if (!timings || isAsyncIterable(result) || Array.isArray(result)) return
      setResult({ ...result, extensions: { ...result.extensions, timings: timings.report() } })
    },
  }
}
