/** Body of a process that renders SVGs for a {@link RendererChild}, until its parent ends it or is gone. */
import sharp, { type Metadata } from 'sharp'
import { SvgDocument } from './document.ts'
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

/** Has no limit of pixels: the caller compares the size with its own and names both. */
async function header(bytes: Uint8Array): Promise<Metadata> {
  const document = await SvgDocument.open(bytes)
  const [width, height] = [Math.round(document.width), Math.round(document.height)]
  // Only the file's form counts here: at its own size the renderer could not count the pixels of a giant.
  const metadata = await document.render(1 / Math.max(width, height)).metadata()
  return { ...metadata, width, height, autoOrient: { width, height } }
}

async function render(bytes: Uint8Array, { pixels, scale = 1, resize }: RenderOptions): Promise<RenderedSvg> {
  const document = await SvgDocument.open(bytes)
  let image = document.render(scale, { limitInputPixels: pixels, ignoreIcc: true })
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
