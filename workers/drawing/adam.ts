import type { Parameter } from './generators/generator.ts'

/** How much of the first and second moment a step keeps. */
const keepFirst = 0.9
const keepSecond = 0.99

/** Adam (Kingma and Ba 2015): each number's step is its mean gradient over the gradient's root mean square. */
export class Adam {
  readonly #parameters: readonly Parameter[]
  readonly #moments: readonly { first: Float32Array; second: Float32Array }[]

  constructor(parameters: readonly Parameter[]) {
    this.#parameters = parameters
    this.#moments = parameters.map(({ data }) => ({
      first: new Float32Array(data.length),
      second: new Float32Array(data.length),
    }))
  }

  /** The memory of gradients: everything that changes with a step, beside the parameters. */
  get state(): Float32Array[] {
    return this.#moments.flatMap(({ first, second }) => [first, second])
  }

  /** Moves the parameters against their gradients. `step` counts from 1; `rate` multiplies each parameter's own. */
  update(gradients: readonly Float32Array[], step: number, rate: number): void {
    const unbias = Math.sqrt(1 - keepSecond ** step) / (1 - keepFirst ** step)
    for (const [k, { data, rate: ownRate }] of this.#parameters.entries()) {
      const gradient = gradients[k]!
      const { first, second } = this.#moments[k]!
      for (let i = 0; i < gradient.length; i++) {
        const g = gradient[i]!
        first[i] = keepFirst * first[i]! + (1 - keepFirst) * g
        second[i] = keepSecond * second[i]! + (1 - keepSecond) * g * g
        data[i]! -= (rate * ownRate * unbias * first[i]!) / (Math.sqrt(second[i]!) + 1e-12)
      }
    }
  }
}
