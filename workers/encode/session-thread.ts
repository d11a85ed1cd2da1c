/** Body of the thread that runs one tower of a model. */
import { workerData } from 'node:worker_threads'
import { hostSession } from '../runtime/session/session-host.ts'
import { EncoderSession, type EncoderSessionOptions, type SessionInput } from './encoder-session.ts'

await hostSession(async () => {
  const { session, ready } = await EncoderSession.load(workerData as EncoderSessionOptions)
  return {
    ready,
    async run(input: SessionInput) {
      const vectors = await session.run(input)
      return { output: vectors, transfer: [vectors.buffer as ArrayBuffer] }
    },
  }
})
