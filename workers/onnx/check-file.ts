/**
 * Whether an ONNX file is whole, checked without loading its weights, so that a cut copy or a missing file shows when
 * the registry reads the folder. Only ONNX Runtime knows whether the graph runs.
 * Protobuf: onnx.proto, ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto.external_data = 13,
 * StringStringEntryProto.key = 1, value = 2.
 */
import { type FileHandle, open, stat } from 'node:fs/promises'
import path from 'node:path'
import { ModelFolderError } from '../errors.ts'
import { fields, parts } from './protobuf.ts'

/** Longest message of a tensor whose values lie in another file. */
const maxReferenceBytes = 4096

/** @throws ModelFolderError naming the file, or the file of weights, that is empty, cut off or missing */
export async function checkGraph(graph: string): Promise<void> {
  const name = path.basename(graph)
  const handle = await open(graph)
  let weights: Map<string, number> | null
  try {
    const { size } = await handle.stat()
    if (size === 0) throw new ModelFolderError(`${name} is empty.`)
    weights = await weightsBeside(handle, size)
  } catch (error) {
    if (error instanceof RangeError)
      throw new ModelFolderError(`${name} is no ONNX file, or one that is cut off or damaged.`)
    throw error
  } finally {
    await handle.close()
  }
  if (!weights) throw new ModelFolderError(`${name} is no ONNX file: it holds no graph.`)
  for (const [file, needed] of weights) {
    const found = await stat(path.join(path.dirname(graph), file)).catch(() => null)
    if (!found) throw new ModelFolderError(`${file}, which has the weights of ${name}, is missing.`)
    if (found.size < needed)
      throw new ModelFolderError(
        `${file}, which has the weights of ${name}, is cut off: ${found.size} of ${needed} bytes are there.`,
      )
  }
}

/** External files of the initializers, and how many bytes each must have; null when there is no graph. */
async function weightsBeside(handle: FileHandle, size: number): Promise<Map<string, number> | null> {
  let found: Map<string, number> | null = null
  for await (const model of fields(handle, 0, size)) {
    if (model.field !== 7) continue
    found ??= new Map()
    for await (const part of fields(handle, model.start, model.end)) {
      if (part.field !== 5 || part.end - part.start > maxReferenceBytes) continue
      const tensor = Buffer.alloc(part.end - part.start)
      await handle.read(tensor, 0, tensor.length, part.start)
      const { location, offset = 0, length = 0 } = externalData(tensor)
      if (location) found.set(location, Math.max(found.get(location) ?? 0, Number(offset) + Number(length)))
    }
  }
  return found
}

function externalData(tensor: Buffer): { location?: string; offset?: string; length?: string } {
  const entries: Record<string, string> = {}
  for (const { field, content } of parts(tensor)) {
    if (field !== 13) continue
    const [key, value] = [...parts(content)].sort((a, b) => a.field - b.field)
    if (key && value) entries[String(key.content)] = String(value.content)
  }
  return entries
}
