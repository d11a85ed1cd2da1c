/** The other end of a Drawer: draws what it is sent, until its parent ends it or is gone. */
import sharp, { type SharpOptions } from 'sharp'
import type { RenderOptions, RenderReply, RenderRequest } from './renderer.ts'

sharp.concurrency(1)
sharp.cache(false)

// A Ctrl-C in the terminal reaches this process too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// An exit would wait for the drawing that is under way.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

const say = (reply: RenderReply) => process.connected && process.send!(reply)

const open = (bytes: Uint8Array, options: SharpOptions) =>
  sharp(bytes, { failOn: 'error', animated: false, ignoreIcc: true, ...options })

async function render(bytes: Uint8Array, { pixels, density, resize }: RenderOptions): Promise<RenderReply> {
  let image = open(bytes, { limitInputPixels: pixels, ...(density && { density }) })
  if (resize) image = image.resize(resize)
  const { data, info } = await image
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return { rendered: { data, width: info.width, height: info.height, channels: info.channels } }
}

process.on('message', ({ bytes, render: options }: RenderRequest) => {
  const reply = options
    ? render(bytes, options)
    : // Without a limit here: who asks says what is too large, with its size.
      open(bytes, { limitInputPixels: false })
        .metadata()
        .then((header) => ({ header }))
  reply.catch((error) => ({ error: (error as Error).message })).then(say)
})
say({ ready: true })
