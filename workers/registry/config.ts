/** Reading a model folder's own config files: Hugging Face's (config.json, preprocessor_config.json) and OpenCLIP's. */

import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { ModelFolderError } from '../errors.ts'
import type { ImageSpec } from '../images/image-spec.ts'
import type { Head } from '../similarity/probability.ts'
import type { TextSpec } from './text-spec.ts'

// biome-ignore lint/suspicious/noExplicitAny: other people's JSON, checked field by field where it is used
type Json = Record<string, any>

export interface FolderConfig {
  dimensions: number
  image: ImageSpec
  text: TextSpec
  head: Head
}

/** Reads a JSON file of the folder; null when it is not there. */
export async function readJson(folder: string, file: string): Promise<Json | null> {
  let text: string
  try {
    text = await readFile(path.join(folder, file), 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new ModelFolderError(`${file} cannot be read (${code}).`)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new ModelFolderError(`${file} is not valid JSON.`)
  }
}

/** Scale and bias as a checkpoint holds them: the scale as its natural logarithm. */
export interface LogitScalars {
  logit_scale?: number
  logit_bias?: number
}

/**
 * `learned` gives the scalars that the ONNX files hold; it is asked once the family is known.
 * @throws ModelFolderError naming the file and the field that is missing or not supported
 */
export async function readConfig(
  folder: string,
  learned: () => Promise<LogitScalars> = async () => ({}),
): Promise<FolderConfig> {
  const [config, preprocessor, openClip, tokenizer, tokenizerConfig, override] = await Promise.all(
    [
      'config.json',
      'preprocessor_config.json',
      'open_clip_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'limn.json',
    ].map((file) => readJson(folder, file)),
  )
  if (!config && !openClip) throw new ModelFolderError('There is no config.json.')
  if (!tokenizer || !tokenizerConfig)
    throw new ModelFolderError(
      'tokenizer.json and tokenizer_config.json are needed; one of them is not there.',
    )
  if (!(tokenizer.model?.vocab instanceof Object))
    throw new ModelFolderError('tokenizer.json holds no model with a vocabulary: it is no tokenizer.')
  const scalars = async () => ({ ...(await learned()), ...override })
  if (openClip?.model_cfg) return fromOpenClip(openClip, tokenizer, tokenizerConfig, scalars)
  if (!config) throw new ModelFolderError('There is no config.json.')
  return fromHuggingFace(config, preprocessor ?? null, tokenizer, tokenizerConfig, scalars)
}

/** Families by config.json's model_type. MobileCLIP's exports call themselves clip or mobileclip. */
const softmaxTypes = ['clip', 'mobileclip', 'mobileclip2', 'chinese_clip', 'altclip', 'jina_clip']
const sigmoidTypes = ['siglip', 'siglip2']

async function fromHuggingFace(
  config: Json,
  preprocessor: Json | null,
  tokenizer: Json,
  tokenizerConfig: Json,
  scalars: () => Promise<LogitScalars>,
): Promise<FolderConfig> {
  const type = String(config.model_type ?? '')
  const sigmoid = sigmoidTypes.includes(type)
  if (!sigmoid && !softmaxTypes.includes(type))
    throw new ModelFolderError(
      `config.json says model_type "${type}"; supported are ${[...softmaxTypes, ...sigmoidTypes].join(', ')}.`,
    )
  if (!preprocessor) throw new ModelFolderError('There is no preprocessor_config.json.')
  if (preprocessor.max_num_patches !== undefined)
    throw new ModelFolderError(
      'preprocessor_config.json says max_num_patches: the model takes images of any shape (NaFlex), which is not supported. Take the variant of a fixed resolution.',
    )
  const vision = config.vision_config ?? {}
  const text = config.text_config ?? {}
  const dimensions = config.projection_dim ?? (sigmoid ? (vision.hidden_size ?? 768) : 512)
  const maxTokens = text.max_position_embeddings ?? (sigmoid ? 64 : 77)
  return {
    dimensions: positive(dimensions, 'projection_dim'),
    image: imageSpec(preprocessor, vision.image_size, sigmoid),
    text: textSpec(tokenizer, tokenizerConfig, maxTokens, text.pad_token_id, sigmoid),
    head: head(config, sigmoid, await scalars()),
  }
}

/** What a config leaves out is as in the image processor it names: OpenAI's values and a crop for CLIP. */
function imageSpec(config: Json, imageSize: number | undefined, sigmoid: boolean): ImageSpec {
  const processor = String(config.image_processor_type ?? config.feature_extractor_type ?? '')
  const size = config.size ?? imageSize
  const cropped = config.do_center_crop ?? processor.startsWith('CLIP')
  const crop = cropped ? (config.crop_size ?? size) : null
  const tower = (value: Json | number | undefined, edge: 'width' | 'height') =>
    typeof value === 'number' ? value : (value?.[edge] ?? value?.shortest_edge)
  // An int, or the shortest edge alone, keeps the shape of the image; it takes a crop to make it fit.
  const shortest = typeof size === 'number' ? size : size?.shortest_edge
  const cover = crop !== null || (typeof size === 'object' && size?.shortest_edge !== undefined)
  if (crop !== null && shortest === undefined && tower(crop, 'width') !== tower(size, 'width'))
    throw new ModelFolderError(
      'preprocessor_config.json squashes to one size and crops to another, which is not supported.',
    )
  const usual = sigmoid ? { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } : openAi
  return {
    width: positive(tower(crop ?? size, 'width'), 'size'),
    height: positive(tower(crop ?? size, 'height'), 'size'),
    fit: cover && shortest !== undefined ? 'cover' : 'squash',
    resizeTo: positive(shortest ?? tower(size, 'height'), 'size'),
    filter: filterName(config.resample ?? 3),
    rescale: config.do_rescale === false ? 1 : (config.rescale_factor ?? 1 / 255),
    mean: config.do_normalize === false ? [0, 0, 0] : triple(config.image_mean ?? usual.mean, 'image_mean'),
    std: config.do_normalize === false ? [1, 1, 1] : triple(config.image_std ?? usual.std, 'image_std'),
  }
}

const openAi = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
}

/** Pillow's numbers for its filters. */
function filterName(resample: unknown): ImageSpec['filter'] {
  const names = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'] as const
  const name = names[Number(resample)]
  if (!name)
    throw new ModelFolderError(`preprocessor_config.json: resample ${resample} is no filter of Pillow.`)
  return name
}

function textSpec(
  tokenizer: Json,
  config: Json,
  maxTokens: number,
  configuredPad: number | undefined,
  sigmoid: boolean,
): TextSpec {
  const added: Json[] = tokenizer.added_tokens ?? []
  // Unigram models list [token, score], the id being the place; all others map token to id.
  const listed = tokenizer.model?.vocab ?? {}
  const vocabulary: Json = Array.isArray(listed)
    ? Object.fromEntries(listed.map(([token], id) => [token, id]))
    : listed
  const idOf = (token: Json | string | undefined): number | undefined => {
    const content = typeof token === 'object' ? token?.content : token
    if (content === undefined || content === null) return undefined
    return added.find((entry) => entry.content === content)?.id ?? vocabulary[content]
  }
  // A tokenizer that knows no limit states an astronomical one.
  const length = Math.min(maxTokens, config.model_max_length ?? maxTokens)
  const siglipTokenizer = String(config.tokenizer_class ?? '').startsWith('Siglip')
  return {
    maxTokens: positive(length, 'max_position_embeddings'),
    padId: idOf(config.pad_token) ?? configuredPad ?? 0,
    padTo: sigmoid ? 'max' : 'longest',
    eosId: idOf(config.eos_token) ?? null,
    // SigLIP 2 tokenizes with Gemma's, which knows case, but saw lower case only and says so.
    lowerCase: sigmoid && (config.do_lower_case ?? siglipTokenizer),
    canonicalise: siglipTokenizer,
  }
}

/** What Radford et al. start training from: ln(1 / 0.07). */
const initialLogitScale = 2.6592

/** The values of SigLIP's published base model. */
const siglip = { scale: 117.33, bias: -12.93 }

/**
 * Scale and bias of the logits, from the most certain place that has them: `limn.json` in the folder (keys
 * `logit_scale`, `logit_bias`), the initializers of those names in the ONNX files, config.json's `logit_scale`, and
 * last its `logit_scale_init_value`. That one is the value training began with, and the trained one only where the
 * exporter wrote it back: a published CLIP whose config still has the paper's initial value has learned 100, where the
 * paper clamps it (section 2.5). A SigLIP that says nothing gets the published base model's.
 */
function head(config: Json, sigmoid: boolean, scalars: LogitScalars): Head {
  const stated: number | undefined =
    scalars.logit_scale ?? config.logit_scale ?? config.logit_scale_init_value ?? undefined
  if (sigmoid)
    return {
      kind: 'sigmoid',
      scale: stated === undefined ? siglip.scale : scaleOf(stated),
      bias: scalars.logit_bias ?? config.logit_bias ?? config.logit_bias_init_value ?? siglip.bias,
    }
  const published = Boolean(config._name_or_path || config.transformers_version)
  const certain = scalars.logit_scale !== undefined
  const untrained = !certain && Math.abs((stated ?? initialLogitScale) - initialLogitScale) < 1e-3
  if (stated === undefined || (untrained && published)) return { kind: 'softmax', scale: 100 }
  return { kind: 'softmax', scale: scaleOf(stated) }
}

/** From the logarithm; an exporter that folded the exponential left the scale itself, which is above any logarithm. */
const scaleOf = (stated: number) => (stated > 10 ? stated : Math.exp(stated))

async function fromOpenClip(
  { model_cfg: model, preprocess_cfg: preprocess = {} }: Json,
  tokenizer: Json,
  tokenizerConfig: Json,
  scalars: () => Promise<LogitScalars>,
): Promise<FolderConfig> {
  const sigmoid = model.init_logit_bias !== undefined && model.init_logit_bias !== null
  const imageSize = model.vision_cfg?.image_size
  const size = positive(Array.isArray(imageSize) ? imageSize[0] : imageSize, 'vision_cfg.image_size')
  const interpolation = preprocess.interpolation ?? 'bicubic'
  const resize = preprocess.resize_mode ?? 'shortest'
  if (!['bicubic', 'bilinear', 'random'].includes(interpolation) || !['shortest', 'squash'].includes(resize))
    throw new ModelFolderError(
      `open_clip_config.json says resize_mode "${resize}" and interpolation "${interpolation}"; supported are shortest and squash, bicubic and bilinear.`,
    )
  return {
    dimensions: positive(model.embed_dim, 'embed_dim'),
    image: {
      width: size,
      height: size,
      fit: resize === 'squash' ? 'squash' : 'cover',
      resizeTo: size,
      filter: interpolation === 'bilinear' ? 'bilinear' : 'bicubic',
      rescale: 1 / 255,
      mean: triple(preprocess.mean ?? openAi.mean, 'mean'),
      std: triple(preprocess.std ?? openAi.std, 'std'),
    },
    text: textSpec(tokenizer, tokenizerConfig, model.text_cfg?.context_length ?? 77, undefined, sigmoid),
    head: head({}, sigmoid, await scalars()),
  }
}

function positive(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
  throw new ModelFolderError(`The config files give no usable ${field} (found ${JSON.stringify(value)}).`)
}

function triple(value: unknown, field: string): [number, number, number] {
  if (Array.isArray(value) && value.length === 3 && value.every((part) => typeof part === 'number'))
    return value as [number, number, number]
  throw new ModelFolderError(`preprocessor_config.json gives no ${field} of three numbers.`)
}
