import sharp from 'sharp'

/** A plain image of one colour with a disc on it: small, and each colour pair gives other bytes. */
export function testImage({
  disc = 'red',
  ground = 'white',
  size = 96,
  format = 'png' as 'png' | 'jpeg' | 'webp',
} = {}): Promise<Buffer> {
  return sharp(Buffer.from(svg({ disc, ground, size })))
    .toFormat(format)
    .toBuffer()
}

export function svg({ disc = 'red', ground = 'white', size = 96 } = {}): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"><rect width="100%" height="100%" fill="${ground}"/><circle cx="50%" cy="50%" r="30%" fill="${disc}"/></svg>`
}

/** `count` images that all differ. */
export function testImages(count: number): Promise<Buffer[]> {
  return Promise.all(
    Array.from({ length: count }, (_, n) =>
      testImage({ disc: `hsl(${(n * 137) % 360} 80% ${30 + (n % 40)}%)`, size: 32 + n }),
    ),
  )
}
