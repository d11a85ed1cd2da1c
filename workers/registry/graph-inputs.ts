/** Whether a model's graphs take what its config files promise, and the lengths that are written into them. */
import { ModelFolderError } from '../errors.ts'
import type { GraphInput } from '../onnx/inspect/graph-summary.ts'
import { type InputRole, inputRoles } from '../onnx/inspect/input-roles.ts'
import type { FolderConfig } from './config/folder-config.ts'

export interface NamedGraph {
  /** Name of the file. */
  name: string
  inputs: readonly GraphInput[]
}

/** onnx.proto's numbers of element types that Limn feeds, by what they are fed with. */
const elementTypes = {
  float: [1, 10],
  /** float, int32, int64, bool. */
  mask: [1, 6, 7, 9],
  integer: [6, 7],
}

const taken: Record<InputRole, readonly number[]> = {
  pixels: elementTypes.float,
  ids: elementTypes.integer,
  mask: elementTypes.mask,
  types: elementTypes.integer,
  positions: elementTypes.integer,
}

/** The config as the graphs allow it: a sequence length that is written into a graph is the length of every text. */
export function fitToGraphs(config: FolderConfig, graphs: readonly NamedGraph[]): FolderConfig {
  let { text } = config
  for (const { name, inputs } of graphs) {
    const roles = inputRoles(
      inputs.map((input) => ({
        name: input.name,
        isFloat: elementTypes.float.includes(input.elementType),
        rank: input.shape?.length ?? null,
      })),
    )
    for (const input of inputs) {
      const role = roles.get(input.name)
      if (!role)
        throw new ModelFolderError(`${name} wants an input "${input.name}", which Limn does not know.`)
      if (input.elementType !== 0 && !taken[role].includes(input.elementType))
        throw new ModelFolderError(
          `${name} wants its input "${input.name}" in element type ${input.elementType} of ONNX, which is not supported.`,
        )
      if (role === 'pixels') checkPixels(name, input, config.image)
      const length = role === 'ids' ? input.shape?.[1] : null
      if (length)
        text = { ...text, maxTokens: Math.min(text.maxTokens, length), padTo: 'max', padLength: length }
    }
  }
  return { ...config, text }
}

function checkPixels(graph: string, { name, shape }: GraphInput, image: FolderConfig['image']): void {
  const [, channels, height, width] = shape ?? []
  if (channels && channels !== 3)
    throw new ModelFolderError(
      `${graph} wants its input "${name}" as ${shape!.map((size) => size ?? '?').join(' x ')}; supported are three channels, before height and width.`,
    )
  if ((height && height !== image.height) || (width && width !== image.width))
    throw new ModelFolderError(
      `${graph} takes images of ${width ?? '?'} x ${height ?? '?'}; the config files make ${image.width} x ${image.height}.`,
    )
}
