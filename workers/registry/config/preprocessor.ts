/** Hugging Face's preprocessor_config.json: how an image becomes the vision tower's input. */
import { ModelFolderError } from '../../errors.ts'
import type { ImageSpec } from '../../images/image-spec.ts'
import type { Family } from '../families.ts'
import { type Json, positive, triple } from './json.ts'

/**
 * A field that the config leaves out has the default of the image processor it names: a CLIP one crops, and `imageSize`
 * of the vision tower stands in for the size. @throws ModelFolderError
 */
export function readPreprocessor(
  config: Json,
  imageSize: number | undefined,
  { normalisation }: Family,
): ImageSpec {
  const normalised = config.do_normalize !== false
  return {
    ...readSize(config, imageSize),
    filter: filterName(config.resample ?? 3),
    rescale: config.do_rescale === false ? 1 : (config.rescale_factor ?? 1 / 255),
    mean: normalised ? triple(config.image_mean ?? normalisation.mean, 'image_mean') : [0, 0, 0],
    std: normalised ? triple(config.image_std ?? normalisation.std, 'image_std') : [1, 1, 1],
  }
}

function readSize(
  config: Json,
  imageSize: number | undefined,
): Pick<ImageSpec, 'width' | 'height' | 'fit' | 'resizeTo'> {
  const processor = String(config.image_processor_type ?? config.feature_extractor_type ?? '')
  const size = config.size ?? imageSize
  const cropped = config.do_center_crop ?? processor.startsWith('CLIP')
  const crop = cropped ? (config.crop_size ?? size) : null
  const edge = (value: Json | number | undefined, name: 'width' | 'height') =>
    typeof value === 'number' ? value : (value?.[name] ?? value?.shortest_edge)
  // An int, or the shortest edge alone, keeps the shape of the image; it takes a crop to make it fit.
  const shortest = typeof size === 'number' ? size : size?.shortest_edge
  const cover = crop !== null || (typeof size === 'object' && size?.shortest_edge !== undefined)
  if (crop !== null && shortest === undefined && edge(crop, 'width') !== edge(size, 'width'))
    throw new ModelFolderError(
      'preprocessor_config.json squashes to one size and crops to another, which is not supported.',
    )
  return {
    width: positive(edge(crop ?? size, 'width'), 'size'),
    height: positive(edge(crop ?? size, 'height'), 'size'),
    fit: cover && shortest !== undefined ? 'cover' : 'squash',
    resizeTo: positive(shortest ?? edge(size, 'height'), 'size'),
  }
}

/** Pillow's numbers for its filters. */
function filterName(resample: unknown): ImageSpec['filter'] {
  const names = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'] as const
  const name = names[Number(resample)]
  if (!name)
    throw new ModelFolderError(`preprocessor_config.json: resample ${resample} is no filter of Pillow.`)
  return name
}
