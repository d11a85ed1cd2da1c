/** Which ONNX files of a folder are used, by the names that exporters give them. */
import { existsSync } from 'node:fs'
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

/** Separate encoders before a combined graph; the precision asked for, else the best that is there. */
export function chooseFiles(folder: string, wanted?: Precision | null): ModelFiles {
  for (const precision of wanted ? [wanted] : precisions.map(([name]) => name)) {
    const found = candidates(precision)
      .sort((a, b) => b.length - a.length)
      .find((paths) => paths.every((file) => existsSync(path.join(folder, file))))
    if (found?.length === 2)
      return {
        kind: 'separate',
        vision: path.join(folder, found[0]!),
        text: path.join(folder, found[1]!),
        precision,
      }
    if (found) return { kind: 'combined', model: path.join(folder, found[0]!), precision }
  }
  throw new ModelFolderError(
    `There is no ${wanted ? `${wanted} ` : ''}ONNX model; looked for onnx/vision_model*.onnx with onnx/text_model*.onnx, and onnx/model*.onnx.`,
  )
}

/** The ONNX files of a choice, with the external data that lies beside them. */
export function onnxFiles(files: ModelFiles): string[] {
  const graphs = files.kind === 'separate' ? [files.vision, files.text] : [files.model]
  return graphs.flatMap((graph) => [graph, `${graph}_data`].filter((file) => existsSync(file)))
}
