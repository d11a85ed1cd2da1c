/** Plain arrays as tensors of the types that encoders' graphs have, and back. */
import * as ort from 'onnxruntime-node'

/** @throws Error for a type that no encoder wants */
export function floatTensor(data: Float32Array, shape: number[], type: string): ort.Tensor {
  if (type === 'float32') return new ort.Tensor('float32', data, shape)
  if (type !== 'float16') throw new Error(`it wants pixels of type ${type}`)
  const half = new Uint16Array(new Float16Array(data).buffer)
  const tensor = new ort.Tensor('float16', half, shape)
  // Where there is a Float16Array, the tensor holds one, which onnxruntime-node's native part takes for no data at all.
  return Object.defineProperty(tensor, 'data', { value: half })
}

/** Ids, masks and places in the type that the graph wants. @throws Error */
export function integerTensor(data: BigInt64Array, shape: number[], type: string): ort.Tensor {
  if (type === 'int64') return new ort.Tensor('int64', data, shape)
  if (type === 'int32') return new ort.Tensor('int32', Int32Array.from(data, Number), shape)
  if (type === 'bool') return new ort.Tensor('bool', Uint8Array.from(data, Number), shape)
  if (type === 'float32') return new ort.Tensor('float32', Float32Array.from(data, Number), shape)
  throw new Error(`it wants tokens of type ${type}`)
}

/** A copy. @throws Error for a type that is no embedding's */
export function fromTensor(tensor: ort.Tensor): Float32Array {
  if (tensor.type === 'float32') return (tensor.data as Float32Array).slice()
  if (tensor.type !== 'float16') throw new Error(`embeddings of type ${tensor.type}`)
  const data = tensor.data as unknown as Uint16Array | Float16Array
  return Float32Array.from(
    data instanceof Uint16Array ? new Float16Array(data.buffer, data.byteOffset, data.length) : data,
  )
}
