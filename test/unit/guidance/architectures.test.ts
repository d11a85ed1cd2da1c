/** Gradients of every architecture family, as PyTorch's exporter writes it, against PyTorch's and against differences. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { deriveGradient } from '../../../workers/guidance/derive-gradient.ts'
import { lossInputs } from '../../../workers/guidance/loss.ts'
import { readModel, writeModel } from '../../../workers/onnx/file.ts'
import type { NodeProto } from '../../../workers/onnx/proto/schema.ts'
import { agreement, compareWithDifferences } from '../../support/differences.ts'

const folder = path.resolve('test/fixtures/encoders')
const size = 32
const families = globSync('*.onnx', { cwd: folder }).sort()
const floats = (values: ArrayLike<number>, dims: number[]) =>
  new ort.Tensor('float32', Float32Array.from(values), dims)

function reference(family: string) {
  const bytes = readFileSync(path.join(folder, family.replace('.onnx', '.f32')))
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
  const images = 2 * 3 * size * size
  const vector = (all.length - 2 * images) / 2
  const cut = (from: number, length: number) => all.subarray(from, from + length)
  return {
    dimensions: vector / 2,
    pixels: cut(0, images),
    targets: cut(images, vector),
    embeddings: cut(images + vector, vector),
    gradients: cut(images + 2 * vector, images),
  }
}

describe('gradients of encoders as exporters write them', () => {
  it('at least seven families are tried', () => expect(families.length).toBeGreaterThanOrEqual(7))

  it.each(families)('the gradient of %s equals that of PyTorch, each row by itself', async (family) => {
    const { dimensions, pixels, targets, embeddings, gradients } = reference(family)
    const derived = await deriveGradient(path.join(folder, family), { width: size, height: size }, dimensions)
    const session = await ort.InferenceSession.create(writeModel(derived.model))
    const run = async (first: number, rows: number) =>
      session.run({
        [derived.pixels]: floats(pixels.subarray(first * 3 * size * size, (first + rows) * 3 * size * size), [
          rows,
          3,
          size,
          size,
        ]),
        [lossInputs.targets]: floats(targets.subarray(first * dimensions, (first + rows) * dimensions), [
          rows,
          1,
          dimensions,
        ]),
        // The loss falls as the cosine rises.
        [lossInputs.weights]: floats(new Array(rows).fill(-1), [rows, 1]),
        [lossInputs.spherical]: floats(new Array(rows).fill(0), [rows, 1]),
      })
    const both = await run(0, 2)
    expect(agreement(both[derived.embedding]!.data as Float32Array, embeddings).error).toBeLessThan(1e-4)
    const { cosine, error } = agreement(both[derived.gradient]!.data as Float32Array, gradients)
    expect(cosine).toBeGreaterThan(0.9999)
    expect(error).toBeLessThan(1e-3)
    // A batch of another size than the one the shapes were found with.
    const second = (await run(1, 1))[derived.gradient]!.data as Float32Array
    expect(agreement(second, gradients.subarray(3 * size * size)).error).toBeLessThan(1e-3)
    await session.release()
  })

  it.each(families)('the heatmap of %s reads places late, before the last attention', async (family) => {
    const { dimensions } = reference(family)
    const { model, embedding, heat } = await deriveGradient(
      path.join(folder, family),
      { width: size, height: size },
      dimensions,
    )
    const maker = new Map(
      model.graph!.node!.flatMap((node) => node.output!.map((name) => [name, node] as const)),
    )
    /** How many layers of attention, or of convolution where there are none, lead to a tensor. */
    const depth = (tensor: string) => {
      const seen = new Set<NodeProto>()
      const open = [tensor]
      while (open.length > 0) {
        const node = maker.get(open.pop()!)
        if (node && !seen.has(node)) {
          seen.add(node)
          open.push(...node.input!)
        }
      }
      const count = (type: string) => [...seen].filter(({ opType }) => opType === type).length
      return { attention: count('Softmax'), convolutions: count('Conv') }
    }
    let node = maker.get(heat!.output)!
    while (node.opType !== 'Mul') node = maker.get(node.input![0]!)!
    const [before, whole] = [depth(node.input![0]!), depth(embedding)]
    if (whole.attention > 0) expect(before.attention).toBe(whole.attention - 1)
    else expect(before.convolutions).toBe(whole.convolutions)
  })

  it.each(families)('the gradient of %s equals central differences', async (family) => {
    const model = await readModel(path.join(folder, family))
    const data = reference(family).pixels.slice()
    const output = model.graph!.output![0]!.name!
    const inputs = { pixel_values: { data, dims: [2, 3, size, size] } }
    const { pixel_values } = await compareWithDifferences({
      model,
      inputs,
      output,
      directions: 24,
      step: 0.1,
    })
    expect(pixel_values!.error).toBeLessThan(2e-2)
  })
})
