/**
 * Whether an ONNX file is whole, checked without loading its weights, so that a cut copy or a missing file shows when
 * the registry reads the folder. Only ONNX Runtime knows whether the graph runs.
 */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { ModelFolderError } from '../errors.ts'
import { type GraphSummary, summariseGraph } from './inspect/graph-summary.ts'

/** @throws ModelFolderError naming a graph that is empty, cut off, damaged, or has its weights outside of its folder */
export async function readGraph(graph: string): Promise<GraphSummary> {
  const name = path.basename(graph)
  if ((await stat(graph)).size === 0) throw new ModelFolderError(`${name} is empty.`)
  const summary = await summariseGraph(graph).catch((error) => {
    if (error instanceof RangeError)
      throw new ModelFolderError(`${name} is no ONNX file, or one that is cut off or damaged.`)
    throw error
  })
  if (!summary) throw new ModelFolderError(`${name} is no ONNX file: it holds no graph.`)
  const outside = [...summary.external.keys()].find((location) => !isInside(location))
  if (outside !== undefined)
    throw new ModelFolderError(`${name} has weights in "${outside}", which is outside of its folder.`)
  return summary
}

/** The same, and its weights are there. @throws ModelFolderError naming the file of weights that is cut off or missing too */
export async function checkGraph(graph: string): Promise<GraphSummary> {
  const summary = await readGraph(graph)
  const name = path.basename(graph)
  for (const [file, needed] of summary.external) {
    const found = await stat(path.join(path.dirname(graph), file)).catch(() => null)
    if (!found) throw new ModelFolderError(`${file}, which has the weights of ${name}, is missing.`)
    if (found.size < needed)
      throw new ModelFolderError(
        `${file}, which has the weights of ${name}, is cut off: ${found.size} of ${needed} bytes are there.`,
      )
  }
  return summary
}

/** Whether a location of external data stays in the graph's folder, its sub-folders included. */
export function isInside(location: string): boolean {
  const normal = path.posix.normalize(location.replaceAll('\\', '/'))
  return normal !== '.' && normal !== '..' && !normal.startsWith('../') && !/^(\/|[A-Za-z]:)/.test(normal)
}
