import type { GraphWriter } from '../onnx/writer.ts'

/** Gradients by tensor: each consumer of a tensor adds its part. */
export class GradientSums {
  readonly #writer: GraphWriter
  readonly #parts = new Map<string, string[]>()
  readonly #totals = new Map<string, string>()

  constructor(writer: GraphWriter) {
    this.#writer = writer
  }

  has(tensor: string): boolean {
    return this.#parts.has(tensor)
  }

  add(tensor: string, part: string): void {
    const parts = this.#parts.get(tensor)
    if (parts) parts.push(part)
    else this.#parts.set(tensor, [part])
  }

  /** The sum of all parts, null when there is none; to be called when all consumers have added theirs. */
  total(tensor: string): string | null {
    const parts = this.#parts.get(tensor)
    if (!parts) return null
    const total = this.#totals.get(tensor) ?? parts.reduce((a, b) => this.#writer.add(a, b))
    this.#totals.set(tensor, total)
    return total
  }
}
