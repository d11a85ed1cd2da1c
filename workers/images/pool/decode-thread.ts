/** Body of a decoding thread: image files to pixels of the encoder's input. */
import { parentPort } from 'node:worker_threads'
import sharp from 'sharp'
import { toWire } from '../../runtime/wire-errors.ts'
import { decodePixels } from '../preprocess.ts'
import type { DecodeReply, DecodeRequest } from './decode-protocol.ts'

// One core an image: the pool has as many threads as cores.
sharp.concurrency(1)
sharp.cache(false)

const port = parentPort!
port.on('message', async ({ id, bytes, image, limits }: DecodeRequest) => {
  const send = (reply: DecodeReply, transfer: ArrayBuffer[] = []) => port.postMessage(reply, transfer)
  try {
    const pixels = await decodePixels(bytes, image, limits)
    send({ id, pixels }, [pixels.buffer as ArrayBuffer])
  } catch (error) {
    send({ id, error: toWire(error) })
  }
})
