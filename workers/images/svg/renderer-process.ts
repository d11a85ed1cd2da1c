/** Body of a process that renders SVGs for a {@link RendererChild}, until its parent ends it or is gone. */
import sharp, { type Metadata, type SharpOptions } from 'sharp'
import type {
  RenderedSvg,
  RendererReady,
  RenderOptions,
  RenderReply,
  RenderRequest,
} from './renderer-protocol.ts'

sharp.concurrency(1)
sharp.cache(false)

// A Ctrl-C in the terminal reaches this process too, and its parent decides when it ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// process.exit would wait for the rendering that is under way.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

const send = (message: RenderReply | RendererReady) => process.connected && process.send!(message)

const open = (bytes: Uint8Array, options: SharpOptions) =>
  sharp(bytes, { failOn: 'error', animated: false, ignoreIcc: true, ...options })

/** Has no limit of pixels: the caller compares the size with its own and names both. */
const header = (bytes: Uint8Array): Promise<Metadata> => open(bytes, { limitInputPixels: false }).metadata()

async function render(bytes: Uint8Array, { pixels, density, resize }: RenderOptions): Promise<RenderedSvg> {
  let image = open(bytes, { limitInputPixels: pixels, ...(density && { density }) })
  if (resize) image = image.resize(resize)
  const { data, info } = await image
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height, channels: info.channels }
}

process.on('message', async ({ bytes, options }: RenderRequest) => {
  try {
    send({ result: await (options ? render(bytes, options) : header(bytes)) })
  } catch (error) {
    send({ error: (error as Error).message })
  }
})
send({ ready: true })
