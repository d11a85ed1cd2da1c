/** Shapes that decoding, resampling and views share. */

/** A part of the resized image, in its pixels. */
export interface Crop {
  left: number
  top: number
  width: number
  height: number
}

export interface Raster {
  /** RGB, row-major, 3 bytes a pixel. */
  data: Uint8Array
  width: number
  height: number
}

/** Pillow's filters. */
export type FilterName = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos'
