import { norm, normalised } from './vectors.ts'

/** The way from one idea to another. */
export interface Direction {
  /** L2-normalised. */
  vector: Float32Array
  /** Norm of the difference before it was normalised, 0 to 2: how far apart the two are. */
  strength: number
}

/**
 * The normalised difference of two mean vectors, of any norm (StyleCLIP, Patashnik et al. 2021; StyleGAN-NADA, Gal et
 * al. 2021). 'from' or 'to' where that mean cancels out, 'none' where the two are the same.
 */
export function direction(from: Float32Array, to: Float32Array): Direction | 'from' | 'to' | 'none' {
  const [a, b] = [unit(from), unit(to)]
  if (!a) return 'from'
  if (!b) return 'to'
  const difference = b.map((value, i) => value - a[i]!)
  const strength = norm(difference)
  return strength < 1e-4 ? 'none' : { strength, vector: difference.map((value) => value / strength) }
}

const unit = (vector: Float32Array) => (norm(vector) < 1e-6 ? null : normalised(vector))
