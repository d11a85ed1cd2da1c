/** Body of the thread that runs one side of a model. */
import { workerData } from 'node:worker_threads'
import { serveSession } from '../runtime/session-host.ts'
import { Graph } from './encoder-session.ts'
import type { SessionInput, SessionSettings } from './protocol.ts'

await serveSession(async () => {
  const { graph, ready } = await Graph.load(workerData as SessionSettings)
  return {
    ready,
    async run(input: SessionInput) {
      const vectors = await graph.run(input)
      return { output: vectors, transfer: [vectors.buffer as ArrayBuffer] }
    },
  }
})
