/**
 * SentencePiece's character map, the `Precompiled` normalizer of a tokenizer.json: a double array trie of Darts-clone,
 * whose values are places in a text of replacements that end in NUL each.
 */

/** @throws Error when the map is damaged */
export function charsmapStep(base64: string): (text: string) => string {
  const map = new Charsmap(Buffer.from(base64, 'base64'))
  return (text) => map.normalise(text)
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

class Charsmap {
  readonly #units: Uint32Array
  readonly #replacements: Buffer

  constructor(bytes: Buffer) {
    const size = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0
    if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length)
      throw new Error('its precompiled_charsmap is damaged')
    this.#units = new Uint32Array(Uint8Array.from(bytes.subarray(4, 4 + size)).buffer)
    this.#replacements = bytes.subarray(4 + size)
  }

  /**
   * As the tokenizers library does it, which the fast tokenizers are: a grapheme of less than 6 bytes as a whole first,
   * by the shortest entry that it begins with, and else each of its characters.
   */
  normalise(text: string): string {
    let out = ''
    for (const { segment } of graphemes.segment(text)) {
      const whole = Buffer.byteLength(segment) < 6 ? this.#replacement(segment) : null
      if (whole !== null) out += whole
      else for (const character of segment) out += this.#replacement(character) ?? character
    }
    return out
  }

  #replacement(part: string): string | null {
    const place = this.#find(Buffer.from(part))
    if (place === null) return null
    const end = this.#replacements.indexOf(0, place)
    return this.#replacements.toString('utf8', place, end < 0 ? undefined : end)
  }

  /** The value of the shortest entry that is a prefix of the key. */
  #find(key: Uint8Array): number | null {
    let at = offsetOf(this.#units[0]!)
    for (const byte of key) {
      at ^= byte
      const unit = this.#units[at]
      // The label of a leaf has the highest bit too.
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return null
      at ^= offsetOf(unit)
      if ((unit >>> 8) & 1) return (this.#units[at] ?? 0) & 0x7fffffff
    }
    return null
  }
}

const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6)
