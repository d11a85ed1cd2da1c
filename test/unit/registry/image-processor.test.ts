/** Which fields of an image processor are followed, and which are refused by name. */
import { describe, expect, test } from 'vitest'
import { readImageProcessor } from '../../../workers/registry/config/image-processor.ts'
import { families } from '../../../workers/registry/families.ts'

const file = 'preprocessor_config.json'
const base = { image_processor_type: 'CLIPImageProcessor', size: { shortest_edge: 32 } }
const read = (fields: object, imageSize?: unknown, family = families.clip) =>
  readImageProcessor({ file, fields }, imageSize, family)

const square = (edge: number) => ({ width: edge, height: edge })

describe('the size', () => {
  test.each<[string, object, object]>([
    ['the shortest edge and a crop', base, { ...square(32), fit: 'cover', resizeTo: 32 }],
    [
      'a crop smaller than the edge',
      { ...base, crop_size: 28 },
      { ...square(28), fit: 'cover', resizeTo: 32 },
    ],
    [
      'a crop that is not square',
      { ...base, crop_size: { height: 20, width: 28 } },
      { width: 28, height: 20, fit: 'cover', resizeTo: 32 },
    ],
    [
      'both edges, not square',
      { ...base, size: { height: 20, width: 28 }, do_center_crop: false },
      { width: 28, height: 20, fit: 'squash' },
    ],
    ['one number, for CLIP', { ...base, size: 32 }, { ...square(32), fit: 'cover', resizeTo: 32 }],
    [
      'one number, for SigLIP',
      { image_processor_type: 'SiglipImageProcessorFast', size: 32 },
      { ...square(32), fit: 'squash' },
    ],
    [
      "OpenCLIP's mode to squash",
      { image_processor_type: 'JinaCLIPImageProcessor', size: 32, resize_mode: 'squash' },
      { ...square(32), fit: 'squash' },
    ],
  ])('is followed when it is %s', (_, fields, expected) => {
    expect(read(fields)).toMatchObject(expected)
  })

  test('is that of the vision tower where the file has none', () => {
    expect(read({ image_processor_type: 'SiglipImageProcessor' }, 48)).toMatchObject(square(48))
  })

  test.each<[string, object, RegExp]>([
    [
      'a crop of another size than both edges',
      { ...base, size: square(32), crop_size: { width: 32, height: 28 } },
      /crop_size/,
    ],
    ['the shortest edge without a crop', { ...base, do_center_crop: false }, /do_center_crop is off/],
    ['a longest edge', { ...base, size: { shortest_edge: 32, longest_edge: 64 } }, /size\.longest_edge/],
    ['padding to the longest edge', { ...base, size: 32, resize_mode: 'longest' }, /resize_mode "longest"/],
    ['no number', { ...base, size: { shortest_edge: '32' } }, /size\.shortest_edge/],
  ])('is refused when it is %s', (_, fields, message) => {
    expect(() => read(fields)).toThrow(message)
  })
})

describe('the steps', () => {
  test.each<[unknown, string]>([
    [0, 'nearest'],
    [2, 'bilinear'],
    ['lanczos', 'lanczos'],
    ['PILImageResampling.BICUBIC', 'bicubic'],
  ])('the filter %s is %s', (resample, filter) => {
    expect(read({ ...base, resample }).filter).toBe(filter)
  })

  test('an image processor stands for its own defaults, not for those of the model', () => {
    expect(read({ image_processor_type: 'ViTImageProcessor', size: square(32) }).filter).toBe('bilinear')
    expect(read({ size: 32 }, undefined, families.siglip)).toMatchObject({ fit: 'squash', filter: 'bicubic' })
  })

  test('rescaling and normalising may be off or have other numbers', () => {
    const off = read({ ...base, do_rescale: false, do_normalize: false })
    expect(off).toMatchObject({ rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] })
    const other = read({ ...base, rescale_factor: 1 / 127.5, image_mean: 1, image_std: [1, 2, 3] })
    expect(other).toMatchObject({ rescale: 1 / 127.5, mean: [1, 1, 1], std: [1, 2, 3] })
  })

  test.each<[object, RegExp]>([
    [{ do_resize: false }, /^Model folder|do_resize is off/],
    [{ do_flip_channel_order: true }, /do_flip_channel_order is a step that is not supported/],
    [{ do_pad: true }, /do_pad/],
    [{ do_thumbnail: true }, /do_thumbnail/],
    [{ crop_pct: 0.9 }, /crop_pct 0\.9/],
    [{ rescale_offset: true }, /rescale_offset/],
    [{ rescale_factor: 'x' }, /rescale_factor "x"/],
    [{ data_format: 'channels_last' }, /data_format "channels_last"/],
    [{ resample: 9 }, /resample 9 is no filter/],
    [{ image_mean: [0.5, 0.5] }, /image_mean of three numbers/],
    [{ max_num_patches: 256 }, /max_num_patches.*NaFlex/],
    [
      { image_processor_type: 'OddImageProcessor', do_center_crop: true },
      /resample is not stated.*"OddImageProcessor"/,
    ],
    [{ image_processor_type: 'OddImageProcessor', resample: 3 }, /do_center_crop is not stated/],
  ])('%j is refused, with file and field', (fields, message) => {
    expect(() => read({ ...base, ...fields })).toThrow(message)
    expect(() => read({ ...base, ...fields })).toThrow(file)
  })

  test('a step that is named and off, or that every image takes, is no step', () => {
    expect(read({ ...base, do_pad: false, do_convert_rgb: true, crop_pct: null })).toEqual(read(base))
  })

  test('an unknown image processor that states every step is followed', () => {
    const fields = { image_processor_type: 'OddImageProcessor', do_center_crop: true, resample: 2 }
    expect(read({ ...base, ...fields })).toMatchObject({ fit: 'cover', filter: 'bilinear' })
  })
})
