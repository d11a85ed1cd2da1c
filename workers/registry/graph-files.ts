/** The ONNX files of a model folder, by the names that exporters give them. */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { ModelFolderError } from '../errors.ts'
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

/** Weights beside a graph: exporters move what is over 2 GB into `NAME.onnx_data`, and then `_data_1` and so on. */
export const isExternalData = (graph: string, file: string) =>
  file.startsWith(`${graph}_data`) && /^(_\d+)?$/.test(file.slice(graph.length + 5))

/** The graphs of a choice. */
export const graphsOf = (files: ModelFiles): string[] =>
  files.kind === 'separate' ? [files.vision, files.text] : [files.model]

/** The ONNX files of a choice, with the external data that lies beside them. Absolute paths. */
export function onnxFiles(files: ModelFiles): string[] {
  return graphsOf(files).flatMap((graph) => {
    const folder = path.dirname(graph)
    const beside = readdirSync(folder).map((file) => path.join(folder, file))
    return [graph, ...beside.filter((file) => isExternalData(graph, file)).sort()]
  })
}

/** Every precision whose graphs are in the folder, best first. */
export function precisionsOf(folder: string): Precision[] {
  const exists = (file: string) => existsSync(path.join(folder, file))
  return precisions.map(([name]) => name).filter((precision) => pickGraphs(exists, precision))
}
