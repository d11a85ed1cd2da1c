/** Drawings as rasters and PNG files. */
import sharp, { type Sharp } from 'sharp'
import type { Raster } from '../images/raster.ts'
import { SvgDocument } from '../images/svg/document.ts'
import type { Size } from './canvas.ts'

/** Longest edge of a preview. */
const previewEdge = 512

/** A PNG file. */
export interface Preview extends Size {
  png: Uint8Array
}

/** The SVG on white, as large as a preview may be. */
export async function svgPreview(svg: string): Promise<Preview> {
  const image = await renderCovering(svg, { width: previewEdge, height: previewEdge })
  const { data, info } = await image
    .resize(previewEdge, previewEdge, { fit: 'inside' })
    .flatten({ background: '#ffffff' })
    .png()
    .toBuffer({ resolveWithObject: true })
  return { png: data, width: info.width, height: info.height }
}

/** The raster scaled to a drawing's size, or down to what a preview may have. */
export async function rasterPreview(raster: Raster, drawing: Size): Promise<Preview> {
  const scale = Math.min(1, previewEdge / Math.max(drawing.width, drawing.height))
  const size = { width: Math.round(drawing.width * scale), height: Math.round(drawing.height * scale) }
  const { data, width, height } = raster
  const png = await sharp(Buffer.from(data.buffer), { raw: { width, height, channels: 3 } })
    .resize({ ...size, fit: 'fill', kernel: 'cubic' })
    .png()
    .toBuffer()
  return { png, ...size }
}

/** The pixels of a preview. */
export async function previewRaster({ png }: Preview): Promise<Raster> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** Planes of red, green and blue in 0..1 as bytes. */
export function planesRaster(planes: Float32Array, { width, height }: Size): Raster {
  const area = width * height
  const data = new Uint8ClampedArray(area * 3)
  for (let p = 0; p < area; p++) for (let c = 0; c < 3; c++) data[p * 3 + c] = planes[c * area + p]! * 255
  return { data: new Uint8Array(data.buffer), width, height }
}

/** The most that a small SVG is magnified. */
const maxScale = 2400 / 72

/** A pipeline that renders an SVG at about the size it is needed in. */
export async function renderCovering(svg: string, { width, height }: Size): Promise<Sharp> {
  const document = await SvgDocument.open(Buffer.from(svg))
  // Whole pixels, as an image's header has them.
  const [ownWidth, ownHeight] = [Math.round(document.width), Math.round(document.height)]
  return document.render(Math.min(maxScale, Math.max(width / ownWidth, height / ownHeight)))
}
