/** Body of a process that draws and decodes images for an {@link ImageChild}, until its parent ends it or is gone. */
import sharp, { type Metadata, type Sharp } from 'sharp'
import { toWire } from '../../runtime/wire-errors.ts'
import { rasterPipeline } from '../raster-pipeline.ts'
import { checkSvg } from '../svg/check.ts'
import { SvgDocument } from '../svg/document.ts'
import type { DecodedPixels, ImageReply, ImageRequest, ProcessReady, SvgOptions } from './protocol.ts'

sharp.concurrency(1)
sharp.cache(false)

// A Ctrl-C in the terminal reaches this process too, and its parent decides when it ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// process.exit would wait for the work that is under way.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

const send = (message: ImageReply | ProcessReady) => process.connected && process.send!(message)

/** Has no limit of pixels: the caller compares the size with its own and names both. */
async function svgHeader(bytes: Uint8Array): Promise<Metadata> {
  checkSvg(bytes)
  const document = await SvgDocument.open(bytes)
  const [width, height] = [Math.round(document.width), Math.round(document.height)]
  // Only the file's form counts here: at its own size the renderer could not count the pixels of a giant.
  const metadata = await document.render(1 / Math.max(width, height)).metadata()
  return { ...metadata, width, height, autoOrient: { width, height } }
}

async function svg(bytes: Uint8Array, { pixels, scale = 1, resize }: SvgOptions): Promise<Sharp> {
  const document = await SvgDocument.open(bytes)
  const image = document.render(scale, { limitInputPixels: pixels, ignoreIcc: true })
  return (resize ? image.resize(resize) : image).toColourspace('srgb').raw({ depth: 'uchar' })
}

async function pixelsOf(image: Sharp): Promise<DecodedPixels> {
  const { data, info } = await image.toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height, channels: info.channels }
}

async function answer(request: ImageRequest): Promise<Metadata | DecodedPixels> {
  switch (request.task) {
    case 'svg header':
      return svgHeader(request.bytes)
    case 'svg':
      return pixelsOf(await svg(request.bytes, request.options))
    case 'raster':
      return pixelsOf(rasterPipeline(request.bytes, request.options))
  }
}

process.on('message', async (request: ImageRequest) => {
  try {
    send({ result: await answer(request) })
  } catch (error) {
    send({ error: toWire(error) })
  }
})
send({ ready: true })
