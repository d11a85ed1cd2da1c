/** A folder as OpenCLIP's exporter writes it: open_clip_config.json, which has model and preprocessing in one. */
import { ModelFolderError } from '../../errors.ts'
import type { ImageSpec } from '../../images/image-spec.ts'
import { type Family, families } from '../families.ts'
import type { Cleaning } from '../text-spec.ts'
import type { FolderConfig, ReadScalars, TokenizerFiles } from './folder-config.ts'
import { readHead, scalarsOf } from './head.ts'
import { type Json, positive, triple } from './json.ts'
import { readText } from './tokenizer.ts'

const file = 'open_clip_config.json'

/** @throws ModelFolderError */
export async function fromOpenClip(
  { model_cfg: model, preprocess_cfg: preprocess = {} }: Json,
  tokenizer: TokenizerFiles,
  scalars: ReadScalars,
): Promise<FolderConfig> {
  // OpenCLIP names no family: only models of the sigmoid loss start from a bias.
  const family = (model.init_logit_bias ?? null) === null ? families.clip : families.siglip
  const text = model.text_cfg ?? {}
  return {
    dimensions: positive(model.embed_dim, 'embed_dim'),
    image: readImage(model.vision_cfg?.image_size, preprocess),
    text: readText(tokenizer, {
      maxTokens: text.context_length ?? defaults.maxTokens,
      padTo: family.padTo,
      lowerCase: false,
      cleaning: readCleaning(text, family),
    }),
    head: readHead(family, {}, await scalars(scalarsOf(family))),
  }
}

/** OpenCLIP's own, whatever the loss: those of the first CLIP. */
const defaults = families.clip

const cleanings: readonly Cleaning[] = ['whitespace', 'lower', 'canonicalize']

/**
 * `clean` of the tokenizer's arguments. Without it each of OpenCLIP's tokenizers has its own: the one of Hugging Face
 * joins white space, the one of SigLIP drops punctuation, CLIP's knows no case.
 */
function readCleaning(text: Json, family: Family): Cleaning {
  const { clean, context_length: _, ...others } = text.tokenizer_kwargs ?? {}
  const unknown = Object.keys(others).find((name) => others[name])
  if (unknown !== undefined)
    throw new ModelFolderError(
      `${file} says text_cfg.tokenizer_kwargs.${unknown} ${JSON.stringify(others[unknown])}, which is not supported.`,
    )
  const byTokenizer = text.hf_tokenizer_name
    ? 'whitespace'
    : family.head.kind === 'sigmoid'
      ? 'canonicalize'
      : 'lower'
  const cleaning = clean ?? byTokenizer
  if (cleanings.includes(cleaning)) return cleaning
  throw new ModelFolderError(
    `${file} says text_cfg.tokenizer_kwargs.clean "${clean}"; supported are ${cleanings.join(', ')}.`,
  )
}

function readImage(imageSize: unknown, preprocess: Json): ImageSpec {
  const [high, wide] = Array.isArray(imageSize) ? imageSize : [imageSize, imageSize]
  const height = positive(high, 'vision_cfg.image_size')
  const width = positive(wide, 'vision_cfg.image_size')
  const interpolation = preprocess.interpolation ?? 'bicubic'
  const resize = preprocess.resize_mode ?? 'shortest'
  if (!['bicubic', 'bilinear', 'random'].includes(interpolation) || !['shortest', 'squash'].includes(resize))
    throw new ModelFolderError(
      `${file} says resize_mode "${resize}" and interpolation "${interpolation}"; supported are shortest and squash, bicubic and bilinear.`,
    )
  if (resize === 'shortest' && width !== height)
    throw new ModelFolderError(
      `${file} says image_size ${height} x ${width} and resize_mode "shortest"; a size that is not square is supported with squash.`,
    )
  if ((preprocess.mode ?? 'RGB') !== 'RGB')
    throw new ModelFolderError(`${file} says preprocess_cfg.mode "${preprocess.mode}"; supported is RGB.`)
  return {
    width,
    height,
    fit: resize === 'squash' ? 'squash' : 'cover',
    resizeTo: height,
    filter: interpolation === 'bilinear' ? 'bilinear' : 'bicubic',
    rescale: 1 / 255,
    mean: triple(preprocess.mean ?? defaults.normalisation.mean, 'preprocess_cfg.mean', file),
    std: triple(preprocess.std ?? defaults.normalisation.std, 'preprocess_cfg.std', file),
  }
}
