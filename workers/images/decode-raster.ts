/** Decodes rasters: in this thread, or in a process where the format's decoder cannot be stopped. */
import { asPillow } from './formats/as-pillow.ts'
import { signature } from './formats/signature.ts'
import { type ImageProcess, imageProcess } from './process/image-process.ts'
import type { DecodedPixels } from './process/protocol.ts'
import { type RasterOptions, rasterPipeline } from './raster-pipeline.ts'

/**
 * Formats in which a small file can ask for much work in one piece: a TIFF's tiles may reach far beyond the image and lie
 * over each other, and AV1 takes ten times as long for some pixels as for others. The decoders of all others work row by
 * row, in a time that the header tells.
 */
const unbounded: ReadonlySet<string> = new Set(['TIFF', 'AVIF', 'HEIF'])

/** `data` may be memory of sharp's own, which cannot be transferred. @throws ItemError past a limit, Error with sharp's words */
export async function decodeRaster(
  bytes: Uint8Array,
  options: RasterOptions,
  process: ImageProcess = imageProcess,
): Promise<DecodedPixels> {
  if (needsProcess(bytes)) return process.raster(bytes, options)
  const { data, info } = await rasterPipeline(bytes, options).toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height, channels: info.channels }
}

/** The same, in at most four channels: what a TIFF has beyond them is nothing to show. */
export async function decodeShown(
  bytes: Uint8Array,
  options: RasterOptions,
  process: ImageProcess = imageProcess,
): Promise<DecodedPixels> {
  const pixels = await decodeRaster(bytes, options, process)
  return signature(bytes) === 'TIFF' ? asPillow(bytes, 'tiff', pixels) : pixels
}

/** Whether an image is decoded, or being an SVG drawn, in a process. */
export function needsProcess(bytes: Uint8Array): boolean {
  const format = signature(bytes)
  return format === null || unbounded.has(format)
}
