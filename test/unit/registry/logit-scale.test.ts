/** Where scale and bias of the logits come from, the most certain place first. */
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { GraphBuilder } from '../../../workers/onnx/writer.ts'
import { type TestGraph, testGraph } from '../../support/graphs.ts'
import { clip, folders } from './families.ts'
import { type Files, TestFolder } from './folder-files.ts'

const siglip = { ...folders.SigLIP!.files, 'config.json': { model_type: 'siglip' } }
const bare = { ...clip, 'config.json': { model_type: 'clip', projection_dim: 8 } }
const pair = { 'onnx/vision_model.onnx': testGraph({}), 'onnx/text_model.onnx': testGraph({}) }
const scalar = (value: number, name = 'logit_scale', type: 'float32' | 'float16' = 'float32') => ({
  ...{ name, type, value },
})
const graphs = (...scalars: NonNullable<TestGraph['scalars']>) => testGraph({ scalars })

const rawFloat = (value: number) => new Uint8Array(Float32Array.of(value).buffer)

async function head(files: Files) {
  await using folder = await TestFolder.make(files)
  return (await folder.spec()).head
}

describe('scalars of a graph', () => {
  test.each(['float32', 'float16', 'bfloat16', 'float64'] as const)('a scale in %s is read', async (type) => {
    const graph = testGraph({ scalars: [{ name: 'logit_scale', type, value: 3 }] })
    expect((await head({ ...bare, 'onnx/model.onnx': graph })).scale).toBeCloseTo(Math.exp(3), 3)
  })

  test.each(['model.logit_scale', 'clip/logit_scale', 'logit_scale:0', 'model_logit_scale', 'logitScale'])(
    'a scale of the usual name %s is read',
    async (name) => {
      const { scale } = await head({ ...bare, 'onnx/model.onnx': graphs(scalar(3, name)) })
      expect(scale).toBeCloseTo(Math.exp(3), 3)
    },
  )

  test.each(['logit_scale_init', 'my_scale', 'logits'])(
    'a scalar of another name is none: %s',
    async (name) => {
      expect((await head({ ...bare, 'onnx/model.onnx': graphs(scalar(3, name)) })).scale).toBe(100)
    },
  )

  test('a scale in a Constant node is read by the name of its output', async () => {
    const g = new GraphBuilder()
    const value = { name: 'value', type: 4, t: { dataType: 1, dims: [], rawData: rawFloat(3) } }
    g.graph.node!.push({ opType: 'Constant', input: [], output: ['logit_scale'], attribute: [value] })
    const graph = Buffer.from(g.encode([], []))
    expect((await head({ ...bare, 'onnx/model.onnx': graph })).scale).toBeCloseTo(Math.exp(3), 3)
  })

  test('a scale that lies in a file of weights is read there', async () => {
    const external = [{ location: 'w', length: 4, name: 'logit_scale' }]
    const files = { ...bare, 'onnx/model.onnx': testGraph({ external }), 'onnx/w': rawFloat(3) }
    expect((await head(files)).scale).toBeCloseTo(Math.exp(3), 3)
  })

  test('scale and bias in half precision are those of a SigLIP', async () => {
    const graph = graphs(scalar(2, 'logit_scale', 'float16'), scalar(-3, 'logit_bias', 'float16'))
    expect(await head({ ...siglip, 'onnx/model_fp16.onnx': graph })).toEqual({
      kind: 'sigmoid',
      scale: expect.closeTo(Math.exp(2), 2),
      bias: -3,
    })
  })
})

describe('places of scale and bias', () => {
  const beside = { ...pair, 'onnx/model.onnx': graphs(scalar(2), scalar(-3, 'logit_bias')) }

  test('a graph of the whole model beside the encoders has them', async () => {
    expect(await head({ ...siglip, ...beside })).toMatchObject({
      scale: expect.closeTo(Math.exp(2)),
      bias: -3,
    })
  })
  test('a file of the logits alone has them, whatever its name', async () => {
    const file = path.posix.join('onnx', 'logits.onnx')
    expect((await head({ ...bare, ...pair, [file]: graphs(scalar(2)) })).scale).toBeCloseTo(Math.exp(2))
  })
  test('each encoder may hold one of them', async () => {
    const files = {
      'onnx/vision_model.onnx': graphs(scalar(2)),
      'onnx/text_model.onnx': graphs(scalar(-3, 'logit_bias')),
    }
    expect(await head({ ...siglip, ...files })).toMatchObject({
      scale: expect.closeTo(Math.exp(2)),
      bias: -3,
    })
  })
  test('the graphs that serve come before those beside them, and these before config.json', async () => {
    const config = { 'config.json': { model_type: 'clip', projection_dim: 8, logit_scale: 1 } }
    const own = { 'onnx/text_model.onnx': graphs(scalar(3)) }
    expect((await head({ ...clip, ...config, ...pair })).scale).toBeCloseTo(Math.E)
    expect((await head({ ...clip, ...config, ...beside })).scale).toBeCloseTo(Math.exp(2))
    expect((await head({ ...clip, ...config, ...beside, ...own })).scale).toBeCloseTo(Math.exp(3))
  })
  test('a graph beside the encoders that cannot be read hides nothing', async () => {
    expect((await head({ ...bare, ...pair, 'onnx/model_q4.onnx': 'noise' })).scale).toBe(100)
  })
  test('a scale that is no number is refused by name', async () => {
    await expect(head({ ...bare, ...pair, 'limn.json': { logit_scale: 'large' } })).rejects.toThrow(
      /logit_scale is "large", which is no number/,
    )
  })
})
