import { describe, expect, it } from 'vitest'
import { probabilities } from '../../../workers/similarity/probability.ts'

const close = (values: Float64Array, wanted: number[]) => {
  expect(values).toHaveLength(wanted.length)
  wanted.forEach((value, n) => {
    expect(values[n]).toBeCloseTo(value, 10)
  })
}

describe('probability', () => {
  it('a probability is a softmax over the candidates with the logit scale for CLIP', () => {
    const e = Math.exp(1)
    close(probabilities(Float64Array.of(0.02, 0.01), { kind: 'softmax', scale: 100 }), [
      e / (e + 1),
      1 / (e + 1),
    ])
  })

  it('a probability is a sigmoid of each score alone, with scale and bias, for SigLIP', () => {
    const head = { kind: 'sigmoid', scale: 10, bias: -2 } as const
    const wanted = [0.3, -0.5].map((score) => 1 / (1 + Math.exp(-(10 * score - 2))))
    close(probabilities(Float64Array.of(0.3, -0.5), head), wanted)
  })

  it('probabilities stay finite where the exponentials would not', () => {
    close(probabilities(Float64Array.of(1, -1), { kind: 'softmax', scale: 1e4 }), [1, 0])
    close(probabilities(Float64Array.of(1, -1), { kind: 'sigmoid', scale: 1e4, bias: 0 }), [1, 0])
    expect([...probabilities(new Float64Array(0), { kind: 'softmax', scale: 100 })]).toEqual([])
  })
})
