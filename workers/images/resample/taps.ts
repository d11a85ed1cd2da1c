/** The filter of each output sample: input samples (taps) and their weights. */
export interface Taps {
  /** First input index and number of taps of each output, `2 * count`. */
  bounds: Int32Array
  /** `stride` weights for each output. */
  weights: Int32Array
  stride: number
}
