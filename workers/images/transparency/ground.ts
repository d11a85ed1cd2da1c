/** The colour on which an image's transparency lies. */

export const white = 255
const black = 0

/** Every channel of a colour that hardly shows on white has at least this value. */
const nearWhite = 235
/** Maximum share of other colours in white artwork, and the minimum share of the image that is transparent. */
const maxColoured = 0.01
const minTransparent = 0.01

/**
 * White, or black for white artwork, which would vanish on white: all logos in white would be one image. Black is what
 * the reference has behind transparency. The value of each channel; pixels are row-major, of 1 to 4 channels, and those
 * of 2 and 4 end in opacity.
 */
export function groundOf(data: Uint8Array, channels: number): number {
  if (channels % 2) return white
  const maxVisible = (data.length / channels) * 255
  const alpha = channels - 1
  let visible = 0
  let coloured = 0
  for (let i = 0; i < data.length; i += channels) {
    const opacity = data[i + alpha]!
    if (opacity === 0) continue
    visible += opacity
    const darkest = alpha === 1 ? data[i]! : Math.min(data[i]!, data[i + 1]!, data[i + 2]!)
    if (darkest >= nearWhite) continue
    coloured += opacity
    if (coloured > maxColoured * maxVisible) return white
  }
  const isWhiteArtwork =
    visible > 0 && coloured <= maxColoured * visible && visible <= (1 - minTransparent) * maxVisible
  return isWhiteArtwork ? black : white
}
