/**
 * Learned scalars out of an ONNX file without loading its weights. A config states the logit scale that training began
 * with; a combined graph often holds the learned one as an initializer named `logit_scale` or `...logit_scale`.
 * Protobuf: onnx.proto, ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto.data_type = 2, float_data = 4,
 * name = 8, raw_data = 9.
 */
import { open } from 'node:fs/promises'
import { fields, parts } from './protobuf.ts'

/** Longest message of a tensor of one number; the reader steps over anything longer. */
const maxScalarBytes = 512

/** The values of the initializers of one float32 whose name ends in one of `names`. */
export async function scalarInitializers<T extends string>(
  file: string,
  names: readonly T[],
): Promise<Partial<Record<T, number>>> {
  const handle = await open(file)
  const found: Partial<Record<T, number>> = {}
  try {
    const { size } = await handle.stat()
    for await (const model of fields(handle, 0, size)) {
      if (model.field !== 7) continue
      for await (const graph of fields(handle, model.start, model.end)) {
        if (graph.field !== 5 || graph.end - graph.start > maxScalarBytes) continue
        const bytes = Buffer.alloc(graph.end - graph.start)
        await handle.read(bytes, 0, bytes.length, graph.start)
        const scalar = readScalar(bytes)
        const name = names.find((name) => scalar && new RegExp(`(^|[./])${name}$`).test(scalar.name))
        if (name && scalar) found[name] = scalar.value
      }
    }
    return found
  } catch (error) {
    // checkGraph names a graph that is damaged; here it just holds no scalars.
    if (error instanceof RangeError) return found
    throw error
  } finally {
    await handle.close()
  }
}

/** Name and value of a TensorProto that holds one float32; null for any other. */
function readScalar(tensor: Buffer): { name: string; value: number } | null {
  let name = ''
  let found: number | null = null
  for (const { field, value, content } of parts(tensor)) {
    if (field === 8) name = content.toString('utf8')
    if ((field === 9 || field === 4) && content.length === 4) found = content.readFloatLE(0)
    if (field === 2 && value !== 1) return null
  }
  return found === null ? null : { name, value: found }
}
