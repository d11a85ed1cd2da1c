const text = (bytes: Uint8Array, from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to))

/** The name of a raster image's format, by its first bytes; null for an unknown one. */
export function signature(bytes: Uint8Array): string | null {
  const start = text(bytes, 0, 4)
  if (start === '\x89PNG') return 'PNG'
  if (start.startsWith('\xff\xd8\xff')) return 'JPEG'
  if (start === 'GIF8') return 'GIF'
  if (start === 'RIFF' && text(bytes, 8, 12) === 'WEBP') return 'WebP'
  if (start === 'II*\0' || start === 'MM\0*') return 'TIFF'
  if (text(bytes, 4, 8) === 'ftyp') return /^avi[fs]$/.test(text(bytes, 8, 12)) ? 'AVIF' : 'HEIF'
  return null
}
