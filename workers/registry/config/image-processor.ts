/** Hugging Face's image processor: how an image becomes the vision tower's input. */
import { ModelFolderError } from '../../errors.ts'
import type { ImageSpec } from '../../images/image-spec.ts'
import type { Family } from '../families.ts'
import { type Json, positive, triple } from './json.ts'

export interface ImageProcessor {
  /** The file that states it. */
  file: string
  fields: Json
}

/** The documented defaults of an image processor, for what a file that names it leaves out. */
interface ProcessorDefaults {
  crop: boolean
  /** Whether a size that is one number is that of the shortest edge; else it is a square. */
  shortest: boolean
  filter: ImageSpec['filter']
}

const cropping: ProcessorDefaults = { crop: true, shortest: true, filter: 'bicubic' }

/** By class; the versions that run on torchvision or Pillow have `Fast` or `Pil` behind the name. */
const processors: Record<string, ProcessorDefaults> = {
  CLIPImageProcessor: cropping,
  CLIPFeatureExtractor: cropping,
  ChineseCLIPImageProcessor: cropping,
  ChineseCLIPFeatureExtractor: cropping,
  JinaCLIPImageProcessor: cropping,
  BitImageProcessor: cropping,
  SiglipImageProcessor: { crop: false, shortest: false, filter: 'bicubic' },
  ViTImageProcessor: { crop: false, shortest: false, filter: 'bilinear' },
  ViTFeatureExtractor: { crop: false, shortest: false, filter: 'bilinear' },
}

/** Steps that are followed, or that change nothing here: every image becomes RGB. */
const followed = ['do_resize', 'do_center_crop', 'do_rescale', 'do_normalize', 'do_convert_rgb']

/** `imageSize` of the vision tower stands in for a size that is not stated. @throws ModelFolderError naming file and field */
export function readImageProcessor(
  { file, fields }: ImageProcessor,
  imageSize: unknown,
  family: Family,
): ImageSpec {
  const refuse = (field: string, reason: string): never => {
    throw new ModelFolderError(`${file}: ${field} ${reason}`)
  }
  refuseUnknownSteps(fields, refuse)
  const name = String(fields.image_processor_type ?? fields.feature_extractor_type ?? family.imageProcessor)
  const defaults = processors[name.replace(/(Fast|Pil)$/, '')]
  const stated = <T>(value: T | null | undefined, byDefault: T | undefined, field: string): T =>
    value ??
    byDefault ??
    refuse(field, `is not stated, and Limn does not know what the image processor "${name}" takes for it.`)
  const normalised = fields.do_normalize !== false
  const { mean, std } = family.normalisation
  return {
    ...readSize(fields, imageSize, defaults, stated, refuse),
    filter: readFilter(stated(fields.resample ?? fields.interpolation, defaults?.filter, 'resample'), refuse),
    rescale: fields.do_rescale === false ? 1 : readRescale(fields.rescale_factor, refuse),
    mean: normalised ? triple(fields.image_mean ?? fields.mean ?? mean, 'image_mean', file) : [0, 0, 0],
    std: normalised ? triple(fields.image_std ?? fields.std ?? std, 'image_std', file) : [1, 1, 1],
  }
}

type Refuse = (field: string, reason: string) => never
type Stated = <T>(value: T | null | undefined, byDefault: T | undefined, field: string) => T

/** A step that changes pixels, or their place, and that Limn does not take. */
function refuseUnknownSteps(fields: Json, refuse: Refuse): void {
  if (fields.max_num_patches !== undefined)
    refuse(
      'max_num_patches',
      'says that the model takes images of any shape (NaFlex), which is not supported. Take the variant of a fixed resolution.',
    )
  const step = Object.keys(fields).find(
    (field) => field.startsWith('do_') && fields[field] === true && !followed.includes(field),
  )
  if (step) refuse(step, 'is a step that is not supported.')
  if (fields.do_resize === false) refuse('do_resize', 'is off: images of any size are not supported.')
  for (const field of ['crop_pct', 'size_divisor', 'rescale_offset'])
    if (fields[field]) refuse(field, `${JSON.stringify(fields[field])} is not supported.`)
  for (const field of ['data_format', 'input_data_format'])
    if (fields[field] && !/^(channels_first|first)$/i.test(fields[field]))
      refuse(field, `${JSON.stringify(fields[field])} is not supported; channels come first.`)
}

interface Edges {
  width: number
  height: number
}

function readSize(
  fields: Json,
  imageSize: unknown,
  defaults: ProcessorDefaults | undefined,
  stated: Stated,
  refuse: Refuse,
): Pick<ImageSpec, 'width' | 'height' | 'fit' | 'resizeTo'> {
  const size = fields.size ?? imageSize
  const { edges, shortest } = readEdges(size, () => stated(undefined, defaults?.shortest, 'size'), refuse)
  if (edges) {
    // A crop to the very size changes nothing, so that only another size needs to know whether there is one.
    const crop: Edges = fields.crop_size ? cropOf(fields.crop_size, refuse) : edges
    const same = crop.width === edges.width && crop.height === edges.height
    const cropped = same || stated(fields.do_center_crop, defaults?.crop, 'do_center_crop')
    if (!same && cropped)
      refuse('crop_size', 'is another size than `size`, which squashes first: that is not supported.')
    return { ...edges, fit: 'squash', resizeTo: edges.height }
  }
  const mode = fields.resize_mode ?? 'shortest'
  if (mode === 'squash') return { width: shortest, height: shortest, fit: 'squash', resizeTo: shortest }
  if (mode !== 'shortest')
    refuse('resize_mode', `${JSON.stringify(mode)} is not supported; shortest and squash are.`)
  if (!stated(fields.do_center_crop, defaults?.crop, 'do_center_crop'))
    refuse(
      'do_center_crop',
      'is off while `size` is that of the shortest edge: images of many shapes are not supported.',
    )
  return { ...cropOf(fields.crop_size ?? shortest, refuse), fit: 'cover', resizeTo: shortest }
}

/** Both edges, or the shortest alone. `isShortest` says which of them one number is. */
function readEdges(
  size: unknown,
  isShortest: () => boolean,
  refuse: Refuse,
): { edges: Edges; shortest?: never } | { edges?: never; shortest: number } {
  if (typeof size === 'number')
    return isShortest()
      ? { shortest: positive(size, 'size') }
      : { edges: { width: positive(size, 'size'), height: size } }
  if (Array.isArray(size) && size.length === 2)
    return { edges: { height: positive(size[0], 'size'), width: positive(size[1], 'size') } }
  const { height, width, shortest_edge: shortest, ...others } = (size ?? {}) as Json
  const other = Object.keys(others).find((field) => others[field] !== null)
  if (other) refuse(`size.${other}`, 'is not supported.')
  if (shortest !== undefined && shortest !== null)
    return { shortest: positive(shortest, 'size.shortest_edge') }
  return { edges: { width: positive(width, 'size'), height: positive(height, 'size') } }
}

function cropOf(crop: Json | number, refuse: Refuse): Edges {
  const { edges, shortest } = readEdges(crop, () => false, refuse)
  return edges ?? { width: shortest, height: shortest }
}

const filters = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'] as const

/** By Pillow's number, or by name. */
function readFilter(resample: unknown, refuse: Refuse): ImageSpec['filter'] {
  const name = String(resample).toLowerCase().replace(/^.*\./, '')
  return (
    filters.find((filter, number) => name === filter || name === String(number)) ??
    refuse('resample', `${JSON.stringify(resample)} is no filter of Pillow.`)
  )
}

function readRescale(factor: unknown, refuse: Refuse): number {
  const value = factor ?? 1 / 255
  if (typeof value === 'number' && Number.isFinite(value) && value !== 0) return value
  return refuse('rescale_factor', `${JSON.stringify(value)} is no factor.`)
}
