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
export function lossGradient(g: GraphWriter, output: string, dimensions: number): string {
  const float = (name: string, ...shape: (string | number)[]) =>
    g.graph.input!.push(valueInfo({ name, shape }))
  const { targets, weights, spherical } = lossInputs
  float(targets, 'limn_rows', 'limn_prompts', dimensions)
  float(weights, 'limn_rows', 'limn_prompts')
  float(spherical, 'limn_rows', 1)
  const length = g.sqrt(g.sum(g.square(output), [1]))
  const unit = g.div(output, length)
  const products = g.matmul(targets, g.unsqueeze(unit, [2]))
  const cosine = g.clip(g.reshapeLike(products, weights), margin - 1, 1 - margin)
  const sine = g.sqrt(g.sub(1, g.square(cosine)))
  const steepness = g.sub(g.div(g.op('Acos', cosine), sine), 1)
  const slope = g.neg(g.mul(weights, g.add(1, g.mul(spherical, steepness))))
  const pulled = g.matmul(g.unsqueeze(slope, [1]), targets)
  const pull = g.reshapeLike(pulled, output)
  const along = g.sum(g.mul(unit, pull), [1])
  return g.div(g.sub(pull, g.mul(unit, along)), length)
}
