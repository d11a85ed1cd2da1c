/** Body of the thread that reads metadata, one image at a time. */
import { parentPort } from 'node:worker_threads'
import { silent } from '../../../log.ts'
import { readMetadata } from '../read.ts'
import type { MetadataReply, MetadataRequest } from './protocol.ts'

const port = parentPort!
const say = (reply: MetadataReply) => port.postMessage(reply)

port.on('message', async ({ bytes, header }: MetadataRequest) => {
  say({ metadata: await readMetadata(bytes, header, silent) })
})
say({ ready: true })
