import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { Encoder, EncoderStats, Modality } from '../workers/encode/encoder.ts'
import { RequestError } from '../workers/errors.ts'
import { type StageSeconds, stages } from '../workers/runtime/stages.ts'

export interface Metrics {
  registry: Registry
  /** The encoder, with its calls timed. Its own figures are read when Prometheus asks. */
  observe(encoder: Encoder): Encoder
  batch(model: string, modality: Modality | 'gradient', size: number, seconds: number): void
  encoded(modality: Modality, stages: StageSeconds): void
  /** Begins the time of a request; the function returned ends it. */
  startRequest(operation: string): (outcome: 'ok' | 'error') => void
}

const seconds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    name: 'limn_request_seconds',
    help: 'Time of GraphQL requests from parsed to answered, by root field and outcome.',
    labelNames: ['operation', 'outcome'],
    buckets: seconds,
    registers,
  })
  const encodes = new Histogram({
    name: 'limn_encode_seconds',
    help: 'Time of a call of the encoder, waiting included.',
    buckets: seconds,
    registers,
  })
  const overloads = new Counter({
    name: 'limn_overloads_total',
    help: 'Calls of the encoder that were turned away because its queue was full.',
    registers,
  })

  const batchSizes = new Histogram({
    name: 'limn_batch_size',
    help: 'Texts, images or gradients of one batch.',
    labelNames: ['model', 'modality'],
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers,
  })
  const batchSeconds = new Histogram({
    name: 'limn_batch_seconds',
    help: 'Time of one batch in the session.',
    labelNames: ['model', 'modality'],
    buckets: seconds,
    registers,
  })

  const stageSeconds = new Histogram({
    name: 'limn_stage_seconds',
    help: 'Time of one input in each stage: decode, queue, encode. Cached answers have none.',
    labelNames: ['modality', 'stage'],
    buckets: seconds,
    registers,
  })

  return {
    registry,
    encoded(modality, spent) {
      for (const stage of stages) stageSeconds.observe({ modality, stage }, spent[stage])
    },
    batch(model, modality, size, duration) {
      batchSizes.observe({ model, modality }, size)
      batchSeconds.observe({ model, modality }, duration)
    },
    observe(encoder) {
      registerStats(registry, () => encoder.stats())
      return {
        ready: () => encoder.ready(),
        stats: () => encoder.stats(),
        close: () => encoder.close(),
        async encode(inputs, options) {
          const end = encodes.startTimer()
          try {
            return await encoder.encode(inputs, options)
          } catch (error) {
            if (error instanceof RequestError && error.code === 'OVERLOADED') overloads.inc()
            throw error
          } finally {
            end()
          }
        },
      }
    },
    startRequest(operation) {
      const end = requests.startTimer({ operation })
      return (outcome) => void end({ outcome })
    },
  }
}

function registerStats(registry: Registry, stats: () => EncoderStats): void {
  const read = (
    name: string,
    help: string,
    value: (stats: EncoderStats) => number,
    kind: 'gauge' | 'counter',
  ) => {
    const collect = function (this: Gauge | Counter) {
      if (this instanceof Gauge) this.set(value(stats()))
      else {
        this.reset()
        this.inc(value(stats()))
      }
    }
    const Kind = kind === 'gauge' ? Gauge : Counter
    new Kind({ name, help, registers: [registry], collect })
  }
  read('limn_queue_length', 'Texts and images admitted and not yet answered.', (s) => s.waiting, 'gauge')
  read('limn_queue_limit', 'How many may be.', (s) => s.limit, 'gauge')
  read('limn_encoded_total', 'Texts and images encoded.', (s) => s.encoded, 'counter')
  read(
    'limn_batches_total',
    'Batches run; encoded / batches is the mean batch size.',
    (s) => s.batches,
    'counter',
  )
  read('limn_cache_hits_total', 'Answers that needed no encoding.', (s) => s.cacheHits, 'counter')
  read('limn_cache_misses_total', 'Answers that were not in the cache.', (s) => s.cacheMisses, 'counter')
}
