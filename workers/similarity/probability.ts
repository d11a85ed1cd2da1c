/** How a probability is read off cosines. Scale and bias are those of the logits: logit = scale * cosine + bias. */
export type Head =
  /** CLIP (Radford et al. 2021): softmax over the candidates. */
  | { kind: 'softmax'; scale: number }
  /** SigLIP (Zhai et al. 2023): an independent sigmoid per pair. */
  | { kind: 'sigmoid'; scale: number; bias: number }

/**
 * The model's own reading of scores (cosines, or weighted means of cosines) over the candidates:
 * CLIP (Radford et al. 2021): softmax over the candidates of scale x score.
 * SigLIP (Zhai et al. 2023, eq. 1): for each candidate alone, sigmoid of scale x score + bias.
 */
export function probabilities(scores: Float64Array, head: Head): Float64Array {
  if (head.kind === 'sigmoid') return scores.map((score) => sigmoid(head.scale * score + head.bias))
  // The largest logit is taken off first: scale may be 100, and exp(100) would leave the range of float32 readers.
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity)
  const exponentials = scores.map((score) => Math.exp(head.scale * (score - largest)))
  const sum = exponentials.reduce((a, b) => a + b, 0)
  return exponentials.map((value) => value / sum)
}

function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x))
  const e = Math.exp(x)
  return e / (1 + e)
}
