/** Products of matrices. */
import type { NodeContext } from '../node-context.ts'
import type { Rules } from './rule.ts'

export const matrix: Rules = {
  // Y = A B: dA = dY B', dB = A' dY, over the last two dimensions.
  MatMul: (o) => [
    o.needsGrad(0) ? o.matmul(o.dy, transposeLast(o, o.in(1))) : null,
    o.needsGrad(1) ? o.matmul(transposeLast(o, o.x), o.dy) : null,
  ],
  // Y = alpha A B + beta C, with A and B transposed where transA and transB are 1. C is optional.
  Gemm(o) {
    const [alpha, ta, tb] = [o.number('alpha', 1), o.number('transA', 0), o.number('transB', 0)]
    const product = (a: string, b: string, transA: number, transB: number) =>
      o.node('Gemm', [a, b], { alpha, transA, transB })
    const [a, b, dy] = [o.x, o.in(1), o.dy]
    const gradients = [
      o.needsGrad(0) ? (ta ? product(b, dy, tb, 1) : product(dy, b, 0, 1 - tb)) : null,
      o.needsGrad(1) ? (tb ? product(dy, a, 1, ta) : product(a, dy, 1 - ta, 0)) : null,
    ]
    return o.needsGrad(2) ? [...gradients, o.mul(dy, o.number('beta', 1))] : gradients
  },
  // Refused: an index that neither the output nor another input has, which was summed within the one. No encoder has it.
  Einsum(o) {
    const equation = o.text('equation', '')
    const [left, out] = equation.replaceAll(' ', '').split('->') as [string, string?]
    const terms = left.split(',')
    const repeats = terms.some((term) => new Set(term).size < term.length)
    if (out === undefined || repeats || left.includes('.')) return o.refuse(`the equation ${equation}`)
    return o.inputs.map((_, i) => {
      if (!o.needsGrad(i)) return null
      const others = terms.flatMap((term, k) => (k === i ? [] : [{ term, input: o.in(k) }]))
      const given = [out, ...others.map(({ term }) => term)]
      const known = new Set(given.join(''))
      if ([...terms[i]!].some((index) => !known.has(index))) return o.refuse(`the equation ${equation}`)
      return o.node('Einsum', [o.dy, ...others.map(({ input }) => input)], {
        equation: `${given.join(',')}->${terms[i]}`,
      })
    })
  },
}

function transposeLast(o: NodeContext, a: string): string {
  const rank = o.rank(a)
  if (rank < 2) return o.refuse('a vector as operand')
  const perm = Array.from({ length: rank }, (_, i) => i)
  perm.splice(-2, 2, rank - 1, rank - 2)
  return o.transpose(a, perm)
}
