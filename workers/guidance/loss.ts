/** The guidance loss, as numbers and as nodes that yield its gradient with respect to the encoder's output. */
import { type GraphWriter, valueInfo } from '../onnx/writer.ts'

/**
 * SPHERICAL: 2 asin(|x - y| / 2)^2, half the squared angle between unit vectors (Crowson 2021, as in VQGAN-CLIP).
 * COSINE: 1 - cos.
 */
export type LossKind = 'SPHERICAL' | 'COSINE'

/** Loss of one prompt, of its cosine with the image. */
export function promptLoss(kind: LossKind, cosine: number): number {
  return kind === 'COSINE' ? 1 - cosine : Math.acos(Math.min(1, Math.max(-1, cosine))) ** 2 / 2
}

/** Cosines are kept this far from 1 and -1, where the angle has no derivative. */
const margin = 1e-6

/** Inputs that a differentiated encoder takes beside the images; p is the most prompts of a batch, weight 0 fills up. */
export const lossInputs = {
  /** [n, p, d], unit vectors. */
  targets: 'limn_targets',
  /** [n, p]. */
  weights: 'limn_weights',
  /** [n, 1]: 1 for SPHERICAL, 0 for COSINE. */
  spherical: 'limn_spherical',
} as const

/**
 * d loss / d y for loss = sum over prompts of weight x prompt loss, y [n, d] not normalised. With u = y / |y|, c its
 * cosine with a target t and v = sum of weight dl/dc t, it is (v - u (u . v)) / |y|; dl/dc is -1 or -angle / sin(angle).
 */
export function lossGradient(writer: GraphWriter, output: string, dimensions: number): string {
  const float = (name: string, ...shape: (string | number)[]) =>
    writer.graph.input!.push(valueInfo({ name, shape }))
  const { targets, weights, spherical } = lossInputs
  float(targets, 'limn_rows', 'limn_prompts', dimensions)
  float(weights, 'limn_rows', 'limn_prompts')
  float(spherical, 'limn_rows', 1)
  const op = (type: string, ...operands: (string | number)[]) =>
    writer.node(
      type,
      operands.map((o) => (typeof o === 'number' ? writer.scalar(o) : o)),
    )
  const length = op('Sqrt', writer.sum(op('Mul', output, output), [1], true))
  const unit = op('Div', output, length)
  const products = op('MatMul', targets, writer.unsqueeze(unit, [2]))
  const cosine = op(
    'Clip',
    writer.node('Reshape', [products, writer.shapeOf(weights)]),
    margin - 1,
    1 - margin,
  )
  const sine = op('Sqrt', op('Sub', 1, op('Mul', cosine, cosine)))
  const steepness = op('Sub', op('Div', op('Acos', cosine), sine), 1)
  const slope = op('Neg', op('Mul', weights, op('Add', 1, op('Mul', spherical, steepness))))
  const pulled = op('MatMul', writer.unsqueeze(slope, [1]), targets)
  const pull = writer.node('Reshape', [pulled, writer.shapeOf(output)])
  const along = writer.sum(op('Mul', unit, pull), [1], true)
  return op('Div', op('Sub', pull, op('Mul', unit, along)), length)
}
