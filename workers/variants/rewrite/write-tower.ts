/** A prepared graph in lower precision, as a file. */
import { writeFile } from 'node:fs/promises'
import { GraphError } from '../../errors.ts'
import { writeModel } from '../../onnx/file.ts'
import type { ModelProto } from '../../onnx/proto/schema.ts'
import { prune } from '../../onnx/prune.ts'
import type { Variant } from '../../registry/spec.ts'
import { toFp16 } from './fp16.ts'
import { quantize } from './int8.ts'
import { quantizeTables } from './int8-tables.ts'

export const inWords: Record<Variant['name'], string> = { int8: 'in 8 bits', fp16: 'in half precision' }

/** Rewrites all products but the `kept` ones; gives how many those are. The model stays as it is. @throws GraphError */
export async function writeTower(
  model: ModelProto,
  precision: Variant['name'],
  kept: ReadonlySet<string>,
  file: string,
): Promise<number> {
  const graph = model.graph!
  // The rewriters change these lists, and never a node or a constant itself.
  const copy: ModelProto = {
    ...model,
    opsetImport: [...model.opsetImport!],
    graph: { ...graph, node: [...graph.node!], initializer: [...graph.initializer!] },
  }
  const rewritten = precision === 'int8' ? quantize(copy, (name) => !kept.has(name)) : toFp16(copy)
  if (rewritten === 0)
    throw new GraphError(`The graph has no product with a constant matrix to make ${inWords[precision]}.`)
  if (precision === 'int8') quantizeTables(copy.graph!)
  prune(
    copy.graph!,
    graph.output!.map(({ name }) => name!),
  )
  await writeFile(file, writeModel(copy), { flush: true })
  return rewritten
}
