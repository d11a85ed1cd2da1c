/** A folder as OpenCLIP's exporter writes it: open_clip_config.json, which has model and preprocessing in one. */
import { ModelFolderError } from '../../errors.ts'
import type { ImageSpec } from '../../images/image-spec.ts'
import { families } from '../families.ts'
import type { FolderConfig, LogitScalars, TokenizerFiles } from './folder-config.ts'
import { readHead } from './head.ts'
import { type Json, positive, triple } from './json.ts'
import { readText } from './tokenizer.ts'

/** @throws ModelFolderError */
export async function fromOpenClip(
  { model_cfg: model, preprocess_cfg: preprocess = {} }: Json,
  tokenizer: TokenizerFiles,
  scalars: () => Promise<LogitScalars>,
): Promise<FolderConfig> {
  // OpenCLIP names no family: only models of the sigmoid loss start from a bias.
  const family = (model.init_logit_bias ?? null) === null ? families.clip : families.siglip
  const image = readImage(model.vision_cfg?.image_size, preprocess)
  return {
    dimensions: positive(model.embed_dim, 'embed_dim'),
    image,
    text: readText(tokenizer, { maxTokens: model.text_cfg?.context_length ?? defaults.maxTokens }, family),
    head: readHead(family, {}, await scalars()),
  }
}

/** OpenCLIP's own, whatever the loss: those of the first CLIP. */
const defaults = families.clip

function readImage(imageSize: unknown, preprocess: Json): ImageSpec {
  const size = positive(Array.isArray(imageSize) ? imageSize[0] : imageSize, 'vision_cfg.image_size')
  const interpolation = preprocess.interpolation ?? 'bicubic'
  const resize = preprocess.resize_mode ?? 'shortest'
  if (!['bicubic', 'bilinear', 'random'].includes(interpolation) || !['shortest', 'squash'].includes(resize))
    throw new ModelFolderError(
      `open_clip_config.json says resize_mode "${resize}" and interpolation "${interpolation}"; supported are shortest and squash, bicubic and bilinear.`,
    )
  return {
    width: size,
    height: size,
    fit: resize === 'squash' ? 'squash' : 'cover',
    resizeTo: size,
    filter: interpolation === 'bilinear' ? 'bilinear' : 'bicubic',
    rescale: 1 / 255,
    mean: triple(preprocess.mean ?? defaults.normalisation.mean, 'mean'),
    std: triple(preprocess.std ?? defaults.normalisation.std, 'std'),
  }
}
