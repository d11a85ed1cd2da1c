/** Body of the thread that runs one tower of a model. */
import { workerData } from 'node:worker_threads'
import { hostSession } from '../runtime/session-host.ts'
import { EncoderSession, type SessionInput, type SessionSettings } from './encoder-session.ts'

await hostSession(async () => {
  const { graph, ready } = await EncoderSession.load(workerData as SessionSettings)
  return {
    ready,
    async run(input: SessionInput) {
      const vectors = await graph.run(input)
      return { output: vectors, transfer: [vectors.buffer as ArrayBuffer] }
    },
  }
})
