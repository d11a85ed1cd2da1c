/** The ONNX files of a model folder, by the names that exporters give them. */
import { existsSync, globSync } from 'node:fs'
import path from 'node:path'
import { ModelFolderError } from '../errors.ts'
import { readGraph } from '../onnx/check-file.ts'
import type { ModelFiles, Precision } from './spec.ts'

/** Suffix of the file name for each precision, best first. */
export const precisions: readonly [Precision, readonly string[]][] = [
  ['fp32', ['']],
  ['fp16', ['_fp16']],
  ['int8', ['_int8', '_quantized']],
  ['uint8', ['_uint8']],
  ['q4f16', ['_q4f16']],
  ['q4', ['_q4']],
  ['bnb4', ['_bnb4']],
]

/** Paths inside a model folder that a precision's files may have: `[vision, text]` or `[combined]`. */
export function candidates(precision: Precision): string[][] {
  const suffixes = precisions.find(([name]) => name === precision)![1]
  return suffixes.flatMap((suffix) =>
    ['onnx/', ''].flatMap((folder) => [
      [`${folder}vision_model${suffix}.onnx`, `${folder}text_model${suffix}.onnx`],
      [`${folder}model${suffix}.onnx`],
    ]),
  )
}

/**
 * The first precision, in order of preference, whose graphs are all there: separate encoders before a combined one.
 * `exists` checks a path inside the folder. Null when no precision is whole.
 */
export function pickGraphs(
  exists: (file: string) => boolean,
  wanted?: Precision | null,
): { precision: Precision; graphs: string[] } | null {
  for (const precision of wanted ? [wanted] : precisions.map(([name]) => name)) {
    const graphs = candidates(precision)
      .sort((a, b) => b.length - a.length)
      .find((paths) => paths.every(exists))
    if (graphs) return { precision, graphs }
  }
  return null
}

export const lookedFor = 'onnx/vision_model*.onnx with onnx/text_model*.onnx, or onnx/model*.onnx'

/** The graphs of a model folder: the wanted precision, else the best that is there. @throws ModelFolderError */
export function chooseFiles(folder: string, wanted?: Precision | null): ModelFiles {
  const found = pickGraphs((file) => existsSync(path.join(folder, file)), wanted)
  if (!found)
    throw new ModelFolderError(
      `There is no ${wanted ? `${wanted} ` : ''}ONNX model; looked for ${lookedFor}.`,
    )
  const { precision } = found
  const [first, second] = found.graphs.map((file) => path.join(folder, file))
  return second
    ? { kind: 'separate', vision: first!, text: second, precision }
    : { kind: 'combined', model: first!, precision }
}

/** The graphs of a choice. */
export const graphsOf = (files: ModelFiles): string[] =>
  files.kind === 'separate' ? [files.vision, files.text] : [files.model]

/**
 * The ONNX files of a choice, with the files that the graphs themselves name for their weights. Absolute paths, each once.
 * @throws ModelFolderError
 */
export async function onnxFiles(files: ModelFiles): Promise<string[]> {
  const found = await Promise.all(
    graphsOf(files).map(async (graph) => {
      const { external } = await readGraph(graph)
      return [graph, ...[...external.keys()].sort().map((file) => path.join(path.dirname(graph), file))]
    }),
  )
  return [...new Set(found.flat())]
}

/** The other graphs of a folder, which may hold scalars that the chosen ones lack: same precision first, then the best. */
export function graphsBeside(folder: string, files: ModelFiles): string[] {
  const chosen = graphsOf(files)
  const order = [files.precision, ...precisions.map(([name]) => name)]
  const known = order
    .flatMap((precision) => candidates(precision).flat())
    .map((file) => path.join(folder, file))
  const present = globSync(['*.onnx', 'onnx/*.onnx'], { cwd: folder }).map((file) => path.join(folder, file))
  const rank = (file: string) => (known.indexOf(file) + known.length + 1) % (known.length + 1)
  return present
    .filter((file) => !chosen.includes(file))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
}

/** Every precision whose graphs are in the folder, best first. */
export function precisionsOf(folder: string): Precision[] {
  const exists = (file: string) => existsSync(path.join(folder, file))
  return precisions.map(([name]) => name).filter((precision) => pickGraphs(exists, precision))
}
