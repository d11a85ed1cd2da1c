/** The thread's end of a {@link Session}. ONNX Runtime's run blocks the thread that calls it, so each session has its own. */
import { parentPort } from 'node:worker_threads'
import { toWire } from '../wire-errors.ts'
import type { SessionReply, SessionRequest } from './session-protocol.ts'

interface Hosted<Input, Output, Ready> {
  ready: Ready
  run(input: Input): Promise<{ output: Output; transfer: ArrayBuffer[] }>
}

/** `concurrent`: inputs are begun as they come; otherwise one after the other, so that a thread's death tells which it was at. */
export async function hostSession<Input, Output, Ready>(
  load: () => Promise<Hosted<Input, Output, Ready>>,
  { concurrent = false } = {},
): Promise<void> {
  const port = parentPort!
  const say = (reply: SessionReply<Output, Ready>, transfer: ArrayBuffer[] = []) =>
    port.postMessage(reply, transfer)
  try {
    const { ready, run } = await load()
    const answer = async ({ id, input }: SessionRequest<Input>) => {
      const begun = performance.now()
      try {
        const { output, transfer } = await run(input)
        say({ id, output, seconds: (performance.now() - begun) / 1000 }, transfer)
      } catch (error) {
        say({ id, error: toWire(error) })
      }
    }
    let last = Promise.resolve()
    port.on('message', (request: SessionRequest<Input>) => {
      last = concurrent ? answer(request) : last.then(() => answer(request))
    })
    say({ ready })
  } catch (error) {
    say({ failed: toWire(error) })
  }
}
