/** The oracle of everything that is differentiated: central differences of the graph as ONNX Runtime runs it. */

import * as ort from 'onnxruntime-node'
import { differentiate } from '../../workers/autodiff/differentiate.ts'
import { writeModel } from '../../workers/onnx/file.ts'
import type { ModelProto } from '../../workers/onnx/proto/schema.ts'
import { valueInfo } from '../../workers/onnx/writer.ts'
import { uniform } from '../../workers/random.ts'

export interface Compared {
  cosine: number
  /** |analytic - differences| / |differences|. */
  error: number
  gradient: Float32Array
}

export interface Checked {
  model: ModelProto
  inputs: Record<string, { data: Float32Array; dims: number[] }>
  output: string
  /** How many directions are tried for each input; all single numbers when there are fewer. */
  directions?: number
  step?: number
}

/**
 * The gradient of sum(c y), c random, by the derived graph against five-point central differences, for each input.
 * Differences are taken along single numbers, or along random directions where there are too many of those.
 */
export async function compareWithDifferences(checked: Checked): Promise<Record<string, Compared>> {
  const { model, inputs, output, directions = 60, step = 1e-2 } = checked
  const names = Object.keys(inputs)
  const feeds = () =>
    Object.fromEntries(
      names.map((name) => [name, new ort.Tensor('float32', inputs[name]!.data.slice(), inputs[name]!.dims)]),
    )
  const plain = await ort.InferenceSession.create(writeModel(model))
  const first = (await plain.run(feeds(), [output]))[output]!
  const random = uniform(11)
  const weights = Float32Array.from({ length: first.size }, () => random() * 2 - 1)
  const value = async (fed: Record<string, ort.Tensor>) => {
    const y = (await plain.run(fed, [output]))[output]!.data as Float32Array
    return y.reduce((sum, v, i) => sum + v * weights[i]!, 0)
  }

  const derived = await differentiate(model, {
    inputs: names,
    output,
    feeds: feeds(),
    seed: (writer) => writer.floats(weights, first.dims),
  })
  for (const [i, name] of derived.gradients.entries())
    model.graph!.output!.push(valueInfo({ name, shape: inputs[names[i]!]!.dims.map((_, d) => `d${i}_${d}`) }))
  const session = await ort.InferenceSession.create(writeModel(model))
  const results = await session.run(feeds())

  const compared: Record<string, Compared> = {}
  for (const [i, name] of names.entries()) {
    const gradient = results[derived.gradients[i]!]!.data as Float32Array
    const size = gradient.length
    const [analytic, differences]: [number[], number[]] = [[], []]
    const along = async (direction: Float32Array) => {
      const at = async (h: number) => {
        const fed = feeds()
        const data = fed[name]!.data as Float32Array
        for (let k = 0; k < size; k++) data[k]! += h * direction[k]!
        return value(fed)
      }
      const h = step
      differences.push(
        (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h),
      )
      analytic.push(gradient.reduce((sum, g, k) => sum + g * direction[k]!, 0))
    }
    if (size <= directions)
      for (let k = 0; k < size; k++) {
        const direction = new Float32Array(size)
        direction[k] = 1
        await along(direction)
      }
    else
      for (let d = 0; d < directions; d++)
        await along(Float32Array.from({ length: size }, () => (random() < 0.5 ? -1 : 1) / Math.sqrt(size)))
    compared[name] = { ...agreement(analytic, differences), gradient }
  }
  await Promise.all([plain.release(), session.release()])
  return compared
}

export function agreement(a: ArrayLike<number>, b: ArrayLike<number>): { cosine: number; error: number } {
  let [ab, aa, bb, dd] = [0, 0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! ** 2
    bb += b[i]! ** 2
    dd += (a[i]! - b[i]!) ** 2
  }
  return { cosine: ab / Math.sqrt(aa * bb), error: Math.sqrt(dd / bb) }
}
