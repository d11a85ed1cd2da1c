/**
 * Views of one image: the encoder's inputs, and the way back. The transpose of each view carries a gradient to the image;
 * the gradients of all views add up to one.
 */
export interface Views {
  readonly count: number
  /** The encoder's inputs from view `from` on, [to - from, 3, height, width], normalised, one after the other. */
  pixels(from: number, to: number): Float32Array
  /** Takes gradients with respect to the inputs from view `from` on. */
  accumulate(from: number, gradients: Float32Array): void
  /** Adds the gradient with respect to the image for all inputs accumulated so far: row-major RGB in units of 0..1. */
  addGradient(out: Float32Array): void
}
