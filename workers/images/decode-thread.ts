/** Body of a decoding thread: image files to pixels of the encoder's input. */
import { parentPort } from 'node:worker_threads'
import sharp from 'sharp'
import type { DecodeReply, DecodeRequest } from '../encode/protocol.ts'
import { ItemError } from '../errors.ts'
import { decodePixels } from './preprocess.ts'

// One image, one core: there are as many threads as cores.
sharp.concurrency(1)
sharp.cache(false)

const port = parentPort!
port.on('message', async ({ id, bytes, image, limits }: DecodeRequest) => {
  const say = (reply: DecodeReply, transfer: ArrayBuffer[] = []) => port.postMessage(reply, transfer)
  try {
    const pixels = await decodePixels(bytes, image, limits)
    say({ id, pixels }, [pixels.buffer as ArrayBuffer])
  } catch (error) {
    if (error instanceof ItemError) say({ id, item: { code: error.code, message: error.message } })
    else say({ id, error: (error as Error).message })
  }
})
