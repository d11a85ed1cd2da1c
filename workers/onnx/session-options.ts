import type { InferenceSession } from 'onnxruntime-node'

/** The options of every session that serves: quiet, and without threads that spin or weights that lie twice in memory. */
export function sessionOptions(
  provider: InferenceSession.ExecutionProviderConfig,
  threads: number,
): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: {
      session: {
        // A spinning thread pool takes the cores that decode the next batch.
        intra_op: { allow_spinning: '0' },
        // Without it weights stay twice in memory: as read from the file, and as packed for the kernels.
        use_device_allocator_for_initializers: '1',
      },
    },
    logSeverityLevel,
  }
}

/** Fatal errors only: ONNX Runtime throws the others with the same words. */
export const logSeverityLevel = 4
