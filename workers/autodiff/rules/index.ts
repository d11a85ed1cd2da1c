/**
 * The gradient rules: one for each ONNX operator, tested against central differences (test/unit/autodiff/rules.test.ts).
 * Formulas follow the operators' definitions (github.com/onnx/onnx, docs/Operators.md).
 *
 * Names in every rule, for a node y = f(x, ...) and the scalar L that is differentiated:
 *   o            the node, which also writes operations: o.mul(a, b), o.op('Sign', a), o.node('Gemm', [a, b], { alpha })
 *   o.x, o.in(i) the first input; input i
 *   o.y          the first output, as the forward graph computed it
 *   o.dy         dL/dy, shaped as o.y
 *   the result   dL/dx for each input, shaped as y where inputs broadcast: `unbroadcast` sums over the repeats
 */
import type { NodeProto } from '../../onnx/proto/schema.ts'
import { convolution } from './convolution.ts'
import { elementwise } from './elementwise.ts'
import { matrix } from './matrix.ts'
import { normalisation } from './normalisation.ts'
import { reduce } from './reduce.ts'
import type { Rule } from './rule.ts'
import { shape } from './shape.ts'

const rules = new Map<string, Rule>(
  Object.entries({ ...elementwise, ...matrix, ...normalisation, ...reduce, ...shape, ...convolution }),
)

/** Operators whose output does not move with their input, or only in steps. */
const nonDifferentiable = new Set(
  'Shape Size Sign Floor Ceil Round ArgMax ArgMin Greater GreaterOrEqual Less LessOrEqual Equal Not And Or Xor IsNaN IsInf NonZero ConstantOfShape Range OneHot Constant'.split(
    ' ',
  ),
)

/** Inputs that a rule reads the values of; a Reduce operator's axes are among them. */
const valueInputPlaces: Record<string, number[]> = { Slice: [1, 2, 3, 4], Gather: [1], Pad: [1] }

/** Operators that have a rule. */
export const differentiable: readonly string[] = [...rules.keys()]

/** An operator's name as rules and messages have it: `domain.Name` outside the default domain. */
export const operatorName = ({ domain, opType }: NodeProto): string =>
  domain && domain !== 'ai.onnx' ? `${domain}.${opType}` : opType!

/** The rule for a node; 'nonDifferentiable' when no gradient flows through it, null when there is no rule. */
export function ruleFor(node: NodeProto): Rule | 'nonDifferentiable' | null {
  const name = operatorName(node)
  return nonDifferentiable.has(name) ? 'nonDifferentiable' : (rules.get(name) ?? null)
}

/** The inputs of a node whose values its rule reads with `o.values`. */
export function valueInputs({ opType, input }: NodeProto): string[] {
  const places = valueInputPlaces[opType!] ?? (opType!.startsWith('Reduce') ? [1] : [])
  return places.flatMap((i) => input![i] || [])
}
