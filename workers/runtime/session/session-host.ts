/** The thread's end of a {@link Session}. ONNX Runtime's run blocks the thread that calls it, so each session has its own. */
import { parentPort } from 'node:worker_threads'
import { toWire } from '../wire-errors.ts'
import type { SessionReply, SessionRequest } from './session-protocol.ts'

interface Hosted<Input, Output, Ready> {
  ready: Ready
  run(input: Input): Promise<{ output: Output; transfer: ArrayBuffer[] }>
}

export async function hostSession<Input, Output, Ready>(
  load: () => Promise<Hosted<Input, Output, Ready>>,
): Promise<void> {
  const port = parentPort!
  const say = (reply: SessionReply<Output, Ready>, transfer: ArrayBuffer[] = []) =>
    port.postMessage(reply, transfer)
  try {
    const { ready, run } = await load()
    port.on('message', async ({ id, input }: SessionRequest<Input>) => {
      const begun = performance.now()
      try {
        const { output, transfer } = await run(input)
        say({ id, output, seconds: (performance.now() - begun) / 1000 }, transfer)
      } catch (error) {
        say({ id, error: toWire(error) })
      }
    })
    say({ ready })
  } catch (error) {
    say({ failed: toWire(error) })
  }
}
