import { LRUCache } from 'lru-cache'
import type { Encoded } from './encoder.ts'

/** Encoded inputs by content and model revision, bounded by the bytes of their vectors. */
export class VectorCache {
  readonly #entries: LRUCache<string, Encoded>
  constructor(bytes: number) {
    this.#entries = new LRUCache({
      maxSize: Math.max(1, bytes),
      sizeCalculation: ({ vector }, key) => vector.byteLength + 2 * key.length + 128,
    })
  }
  get(key: string): Encoded | undefined {
    return this.#entries.get(key)
  }
  set(key: string, encoded: Encoded): void {
    this.#entries.set(key, encoded)
  }
}
