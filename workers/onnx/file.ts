/** ONNX files as graphs that can be read and added to. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { GraphError } from '../errors.ts'
import { isInside } from './check-file.ts'
import { decode } from './proto/decode.ts'
import { encode } from './proto/encode.ts'
import { DataLocation, DataType, type GraphProto, type ModelProto, type TensorProto } from './proto/schema.ts'

/** Protobuf messages end at 2 GiB, and a rewriter holds the graph in memory whole. */
const maxFileSize = 2 ** 31 - 1

/** A constant as the rewriters need it: float32 whatever type the file stores. */
export interface Constant {
  dims: number[]
  data: Float32Array
}

/**
 * Reads a model whole; with `weights: false` external data stays in its own files.
 * @throws GraphError when the file is not an ONNX model or its external data is missing
 */
export async function readModel(file: string, { weights } = { weights: true }): Promise<ModelProto> {
  const { size } = await stat(file)
  if (size > maxFileSize)
    throw new GraphError(`${path.basename(file)} has ${size} bytes; graphs up to 2 GiB can be rewritten.`)
  let model: ModelProto
  try {
    model = decode('ModelProto', await readFile(file))
  } catch (error) {
    throw new GraphError(`${path.basename(file)} is not an ONNX file: ${(error as Error).message}`)
  }
  if (!model.graph?.node?.length) throw new GraphError(`${path.basename(file)} holds no graph.`)
  if (weights) await inlineExternalData(model, path.dirname(file))
  return model
}

/** Moves external data into the tensors, so that a file written elsewhere needs no other. */
async function inlineExternalData(model: ModelProto, folder: string): Promise<void> {
  const files = new Map<string, Buffer>()
  for (const tensor of tensorsOf(model.graph!)) {
    if (tensor.dataLocation !== DataLocation.EXTERNAL) continue
    const entry = (key: string) => tensor.externalData?.find((pair) => pair.key === key)?.value
    const location = entry('location')
    // A model must not reach outside of its folder.
    if (!location || !isInside(location))
      throw new GraphError(`Tensor "${tensor.name}" has its data in "${location}".`)
    let bytes = files.get(location)
    if (!bytes) {
      bytes = await readFile(path.join(folder, location)).catch((error: NodeJS.ErrnoException) => {
        const missing = error.code === 'ENOENT'
        throw new GraphError(
          `The file ${location} with the model's weights ${missing ? 'is missing' : `cannot be read: ${error.message}`}.`,
        )
      })
      files.set(location, bytes)
    }
    const offset = Number(entry('offset') ?? 0)
    const length = Number(entry('length') ?? bytes.length - offset)
    if (offset + length > bytes.length) throw new GraphError(`The file ${location} is cut off.`)
    tensor.rawData = bytes.subarray(offset, offset + length)
    tensor.externalData = []
    tensor.dataLocation = DataLocation.DEFAULT
  }
}

/** Tensors of initializers and of nodes' attributes, subgraphs included. */
function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer ?? []
  for (const { attribute } of graph.node ?? [])
    for (const { t, g, tensors, graphs } of attribute ?? []) {
      if (t) yield t
      yield* tensors ?? []
      for (const inner of [...(g ? [g] : []), ...(graphs ?? [])]) yield* tensorsOf(inner)
    }
}

export const writeModel = (model: ModelProto): Uint8Array => encode('ModelProto', model)

/** The lowest operator set that the rewriters can read and write: below it Slice, Pad and Clip take attributes. */
export const minOpset = 11

/** The version of the default operator set. */
export function opset(model: ModelProto): number {
  const entry = model.opsetImport?.find(({ domain }) => !domain || domain === 'ai.onnx')
  return Number(entry?.version ?? 0)
}

/** Values as float32; null for types that no rewriter computes with. */
export function floats(tensor: TensorProto): Constant | null {
  const dims = (tensor.dims ?? []).map(Number)
  const raw = tensor.rawData?.length ? tensor.rawData : null
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return { dims, data: raw ? new Float32Array(aligned(raw)) : Float32Array.from(tensor.floatData ?? []) }
    case DataType.FLOAT16:
      return {
        dims,
        data: Float32Array.from(
          new Float16Array(raw ? aligned(raw) : Uint16Array.from(tensor.int32Data ?? []).buffer),
        ),
      }
    default:
      return null
  }
}

/** Integers of a small tensor; null for other types. */
export function integers(tensor: TensorProto): number[] | null {
  const raw = tensor.rawData?.length ? aligned(tensor.rawData) : null
  if (tensor.dataType === DataType.INT64)
    return raw ? Array.from(new BigInt64Array(raw), Number) : (tensor.int64Data ?? []).map(Number)
  if (tensor.dataType === DataType.INT32)
    return raw ? [...new Int32Array(raw)] : [...(tensor.int32Data ?? [])]
  return null
}

/** Raw data may begin anywhere in the file's bytes. */
const aligned = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer
