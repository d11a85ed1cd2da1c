import sharp from 'sharp'

/** Side of a packed image, px. */
export const edge = 64

/** Renders an SVG into edge × edge RGBA, whole and centred; null where it cannot be drawn or shows nothing. */
export async function render(svg: string): Promise<Buffer | null> {
  try {
    const { width = edge, height = edge } = await sharp(Buffer.from(svg)).metadata()
    const density = Math.min(2400, Math.max(1, (72 * edge) / Math.max(width, height)))
    const pixels = await sharp(Buffer.from(svg), { density })
      .ensureAlpha()
      .resize(edge, edge, { fit: 'contain', background: { r: 0, g: 0, b: 0, alpha: 0 } })
      .raw()
      .toBuffer()
    if (pixels.length !== edge * edge * 4) return null
    let ink = 0
    for (let at = 3; at < pixels.length; at += 4) ink += pixels[at]!
    return ink < edge * edge * 2 ? null : pixels
  } catch {
    return null
  }
}
