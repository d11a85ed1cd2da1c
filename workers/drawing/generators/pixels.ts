/** The image itself, as a pyramid of layers from coarse to fine: steps change large areas first. */
import { Draw, type Generator, type Parameter } from './generator.ts'
import type { GeneratorOptions } from './options.ts'

/** Edge of the coarsest layer. */
const coarsest = 4
/** Weight of the smoothness prior: the mean squared difference of neighbours. */
const smoothness = 4

export async function pixels(options: GeneratorOptions): Promise<Generator> {
  const canvas = options.canvas(options.size, 1)
  const { width, height } = canvas
  const start = options.start && (await options.start.planes(canvas))
  const area = width * height
  const g = new Draw()
  const parameters: Parameter[] = []
  const base = Float32Array.from({ length: 3 * area }, (_, i) => {
    const value = Math.min(0.97, Math.max(0.03, start?.[i] ?? 0.75))
    return Math.log(value / (1 - value))
  })
  let sum = g.floats(base, [3, height, width])
  const edge = Math.max(width, height)
  for (let size = coarsest; size <= edge; size *= 2) {
    const [w, h] = [width, height].map((n) => Math.max(1, Math.round((n / edge) * size))) as [number, number]
    const parameter = {
      name: `layer_${size}`,
      dims: [3, h, w],
      data: new Float32Array(3 * h * w),
      rate: 0.06,
    }
    parameters.push(parameter)
    const layer = g.input(parameter.name, parameter.dims)
    const wide = g.op('MatMul', layer, g.floats(interpolation(w, width), [w, width]))
    const full = g.op(
      'MatMul',
      g.node('Transpose', [g.floats(interpolation(h, height), [h, height])], { perm: [1, 0] }),
      wide,
    )
    sum = g.add(sum, full)
  }
  const image = g.reshape(g.op('Sigmoid', sum), [3, area])
  return {
    width,
    height,
    parameters,
    model: g.finish(image, area),
    controls: () => ({}),
    svg: () => null,
    prior(values, gradient) {
      const weight = (2 * smoothness) / area
      for (let c = 0; c < 3; c++)
        for (let y = 0, p = c * area; y < height; y++)
          for (let x = 0; x < width; x++, p++) {
            if (x + 1 < width) {
              const d = weight * (values[p + 1]! - values[p]!)
              gradient[p + 1]! += d
              gradient[p]! -= d
            }
            if (y + 1 < height) {
              const d = weight * (values[p + width]! - values[p]!)
              gradient[p + width]! += d
              gradient[p]! -= d
            }
          }
    },
  }
}

/** Linear interpolation of `from` samples at `to` places, [from, to]. */
function interpolation(from: number, to: number): Float32Array {
  const matrix = new Float32Array(from * to)
  for (let i = 0; i < to; i++) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) / to) * from - 0.5))
    const low = Math.floor(at)
    const high = Math.min(from - 1, low + 1)
    matrix[low * to + i]! += 1 - (at - low)
    matrix[high * to + i]! += at - low
  }
  return matrix
}
