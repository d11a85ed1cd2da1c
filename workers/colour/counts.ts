/** Distinct colours (0xrrggbb) and the weight of each. */
export interface Colours {
  rgb: Uint32Array
  weights: Float64Array
}

/** Adds up the weights of equal colours: a hash table of numbers, which a Map of as many entries is too slow for. */
export class ColourCounts {
  /** The colour and 1; 0 where there is none. */
  readonly #keys: Uint32Array
  readonly #weights: Float64Array
  readonly #shift: number
  #count = 0

  /** Takes `max` distinct colours. */
  constructor(max: number) {
    const bits = Math.max(8, Math.ceil(Math.log2(max)) + 1)
    this.#keys = new Uint32Array(2 ** bits)
    this.#weights = new Float64Array(2 ** bits)
    this.#shift = 32 - bits
  }

  add(rgb: number, weight: number): void {
    const keys = this.#keys
    // Fibonacci hashing (Knuth, volume 3, 6.4).
    let at = Math.imul(rgb, 0x9e3779b1) >>> this.#shift
    while (keys[at] !== rgb + 1) {
      if (keys[at] === 0) {
        keys[at] = rgb + 1
        this.#count++
        break
      }
      at = at + 1 === keys.length ? 0 : at + 1
    }
    this.#weights[at]! += weight
  }

  list(): Colours {
    const rgb = new Uint32Array(this.#count)
    const weights = new Float64Array(this.#count)
    let n = 0
    for (let at = 0; at < this.#keys.length; at++) {
      if (this.#keys[at] === 0) continue
      rgb[n] = this.#keys[at]! - 1
      weights[n++] = this.#weights[at]!
    }
    return { rgb, weights }
  }
}
