/** Body of the thread that runs one session: ONNX Runtime's run blocks the thread it is called on. */
import { parentPort, workerData } from 'node:worker_threads'
import { Graph } from './graph.ts'
import type { SessionReply, SessionRequest, SessionSettings } from './protocol.ts'

const port = parentPort!
const say = (reply: SessionReply, transfer: ArrayBuffer[] = []) => port.postMessage(reply, transfer)

try {
  const { graph, ready } = await Graph.load(workerData as SessionSettings)
  port.on('message', async ({ id, input }: SessionRequest) => {
    const begun = performance.now()
    try {
      const vectors = await graph.run(input)
      say({ id, vectors, seconds: (performance.now() - begun) / 1000 }, [vectors.buffer as ArrayBuffer])
    } catch (error) {
      say({ id, error: (error as Error).message })
    }
  })
  say({ ready })
} catch (error) {
  say({ failed: (error as Error).message })
}
