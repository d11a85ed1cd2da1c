/** ONNX files between bytes and objects: what a newer writer put in must come out again. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readModel, writeModel } from '../../../workers/onnx/file.ts'
import { decode } from '../../../workers/onnx/proto/decode.ts'
import { encode } from '../../../workers/onnx/proto/encode.ts'
import { DataType, type ModelProto, type NodeProto } from '../../../workers/onnx/proto/schema.ts'
import { prune } from '../../../workers/onnx/prune.ts'

const props = (value: string) => [{ key: 'origin', value }]
const bytes = (...values: number[]) => Uint8Array.from(values)
const again = (model: ModelProto) => decode('ModelProto', encode('ModelProto', model))
/** Without the empty lists that the decoder fills in. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, v) => {
      if (Array.isArray(v) && v.length === 0) return undefined
      return v instanceof Uint8Array || v?.type === 'Buffer' ? [...(v.data ?? v)] : v
    }),
  )

/** A graph with each field that came after ONNX 1.10, and tensors of each type. */
function newerModel(): ModelProto {
  const node: NodeProto = {
    ...{ opType: 'Twice', domain: 'local', overload: 'float', input: ['x'], output: ['y'], name: 'y' },
    metadataProps: props('node'),
    deviceConfigurations: [
      {
        configurationId: 'pair',
        pipelineStage: -1,
        shardingSpec: [
          {
            tensorName: 'x',
            device: [0, -1],
            indexToDeviceGroupMap: [{ key: -1, value: [0, 1] }],
            shardedDim: [
              {
                axis: -2,
                simpleSharding: [
                  { dimValue: 4, numShards: 2 },
                  { dimParam: 'n', numShards: 1 },
                ],
              },
            ],
          },
        ],
      },
    ],
    attribute: [
      { name: 'kind', type: 13, tp: { optionalType: { elemType: { tensorType: { elemType: 1 } } } } },
      { name: 'kinds', type: 14, typeProtos: [{ mapType: { keyType: 7, valueType: {} } }] },
    ],
  }
  const valueInfo = { name: 'x', metadataProps: props('value'), type: { opaqueType: { name: 'handle' } } }
  return {
    irVersion: 14,
    configuration: [{ name: 'pair', numDevices: 2, device: ['cpu:0', 'cpu:1'] }],
    opsetImport: [{ domain: '', version: 26 }],
    functions: [
      {
        ...{ name: 'Twice', domain: 'local', overload: 'float', input: ['a'], output: ['b'] },
        attributeProto: [{ name: 'by', type: 2, i: 2 }],
        node: [{ opType: 'Add', input: ['a', 'a'], output: ['b'] }],
        valueInfo: [valueInfo],
        metadataProps: props('function'),
      },
    ],
    graph: {
      metadataProps: props('graph'),
      node: [node],
      input: [valueInfo],
      output: [{ name: 'y' }],
      initializer: Object.values(DataType).map((dataType) => ({
        ...{ name: `type ${dataType}`, dataType, dims: [2], rawData: bytes(dataType, 0x5a) },
        metadataProps: props('tensor'),
      })),
    },
  }
}

describe('the codec of ONNX files', () => {
  it('every field and tensor type that came after ONNX 1.10 is written and read again', () => {
    const model = newerModel()
    expect(plain(again(model))).toEqual(plain(model))
  })

  it('a rewritten graph keeps the newer fields of all that it still holds', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-proto-'))
    const file = path.join(folder, 'model.onnx')
    const model = newerModel()
    const rest: NodeProto = { opType: 'Neg', input: ['x'], output: ['unused'] }
    writeFileSync(
      file,
      writeModel({ ...model, graph: { ...model.graph, node: [rest, ...model.graph!.node!] } }),
    )
    const read = await readModel(file)
    rmSync(folder, { recursive: true })
    prune(read.graph!, ['y'])
    expect(plain(again(read))).toEqual(plain({ ...model, graph: { ...model.graph, initializer: [] } }))
  })

  it('fields that nobody knows yet survive byte for byte, in every message and of every wire type', () => {
    const raw = Buffer.concat(
      ['c00cac02', 'c90c0102030405060708', 'd20c03616263', 'db0c0805dc0c', 'e50cdeadbeef'].map((field) =>
        Buffer.from(field, 'hex'),
      ),
    )
    const node: NodeProto = { opType: 'Add', unknownFields: [raw] }
    const file = encode('ModelProto', {
      ...{ irVersion: 14, graph: { name: 'g', node: [node], unknownFields: [raw] }, unknownFields: [raw] },
    })
    const model = decode('ModelProto', file)
    for (const message of [model, model.graph!, model.graph!.node![0]!])
      expect(Buffer.concat(message.unknownFields!)).toEqual(raw)
    // As rewriters copy.
    expect(
      encode('ModelProto', { ...model, graph: { ...model.graph!, node: [{ ...model.graph!.node![0]! }] } }),
    ).toEqual(file)
  })

  it('integers of 64 bits are plain numbers where those are exact, and stay exact beyond', () => {
    const ints = [0, 1, 127, 128, -1, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, -(2 ** 53 - 1)]
    const big = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n]
    const model = again({ graph: { node: [{ attribute: [{ name: 'ends', ints: [...ints, ...big] }] }] } })
    expect(model.graph!.node![0]!.attribute![0]!.ints).toEqual([...ints, ...big])
    const unsigned = [1, 2 ** 40, 2n ** 64n - 1n]
    expect(decode('TensorProto', encode('TensorProto', { uint64Data: unsigned })).uint64Data).toEqual(
      unsigned,
    )
    expect(decode('TensorProto', encode('TensorProto', { int32Data: [-5, 7] })).int32Data).toEqual([-5, 7])
  })

  it('lists of numbers are read whether they are packed or not, as older writers leave them', () => {
    expect(decode('TensorProto', bytes(0x0a, 3, 1, 0x80, 1, 0x08, 5)).dims).toEqual([1, 128, 5])
  })

  it('zeros and empty strings are kept apart from fields that are absent', () => {
    const { graph } = again({ graph: { node: [{ name: '', attribute: [{ i: 0, f: 0 }] }] } })
    const [node] = graph!.node!
    expect(node).toMatchObject({ name: '' })
    expect(node).not.toHaveProperty('domain')
    expect(node!.attribute![0]).toMatchObject({ i: 0, f: 0 })
  })

  it.each<[string, Uint8Array]>([
    ['a value that ends after the file', bytes(0x3a, 5, 1)],
    ['a message whose field ends after it', bytes(0x3a, 2, 0x12, 5, 1, 1, 1, 1, 1)],
    ['a number that never ends', bytes(0x08, ...new Array(11).fill(0xff))],
    ['a field of number 0', bytes(0x00, 1)],
    ['a wire type that is none', bytes(0x0f)],
  ])('%s is a RangeError', (_, file) => expect(() => decode('ModelProto', file)).toThrow(RangeError))

  it('a file that PyTorch wrote is the same message before and after', () => {
    const model = decode('ModelProto', readFileSync('test/fixtures/encoders/clip.onnx'))
    expect(again(model)).toEqual(model)
  })
})
