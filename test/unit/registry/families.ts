import { expect } from 'vitest'

/** Config files as exporters write them, cut down to the fields that decide; one entry or more for every family. */
const clipTokenizer = {
  'tokenizer.json': {
    added_tokens: [
      { id: 49406, content: '<|startoftext|>' },
      { id: 49407, content: '<|endoftext|>' },
    ],
    model: { type: 'BPE', vocab: { a: 0, '<|endoftext|>': 49407 } },
  },
  'tokenizer_config.json': {
    tokenizer_class: 'CLIPTokenizer',
    do_lower_case: true,
    model_max_length: 77,
    pad_token: '<|endoftext|>',
    eos_token: { content: '<|endoftext|>', __type: 'AddedToken' },
  },
}

const siglipTokenizer = {
  'tokenizer.json': {
    added_tokens: [{ id: 1, content: '</s>' }],
    model: { type: 'Unigram', vocab: [['</s>', 0]] },
  },
  'tokenizer_config.json': {
    tokenizer_class: 'SiglipTokenizer',
    do_lower_case: true,
    model_max_length: 64,
    pad_token: '</s>',
    eos_token: '</s>',
  },
}

const bertTokenizer = {
  'tokenizer.json': {
    added_tokens: [
      { id: 0, content: '[PAD]' },
      { id: 102, content: '[SEP]' },
    ],
    model: { type: 'WordPiece', vocab: { '[PAD]': 0, '[SEP]': 102 } },
  },
  'tokenizer_config.json': {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: true,
    model_max_length: 512,
    pad_token: '[PAD]',
    sep_token: '[SEP]',
  },
}

const robertaTokenizer = {
  'tokenizer.json': {
    added_tokens: [
      { id: 1, content: '<pad>' },
      { id: 2, content: '</s>' },
    ],
    model: {
      type: 'Unigram',
      vocab: [
        ['<s>', 0],
        ['<pad>', 0],
        ['</s>', 0],
      ],
    },
  },
  'tokenizer_config.json': {
    tokenizer_class: 'XLMRobertaTokenizer',
    model_max_length: 512,
    pad_token: '<pad>',
    eos_token: '</s>',
  },
}

const openAi = {
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
}
const half = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] }

export type FolderFiles = Record<string, object | string>

export const clip: FolderFiles = {
  ...clipTokenizer,
  'config.json': {
    _name_or_path: 'openai/clip-vit-base-patch32',
    model_type: 'clip',
    projection_dim: 512,
    logit_scale_init_value: 2.6592,
    text_config: { max_position_embeddings: 77 },
    vision_config: { image_size: 224 },
  },
  'preprocessor_config.json': {
    feature_extractor_type: 'CLIPFeatureExtractor',
    do_center_crop: true,
    crop_size: 224,
    size: 224,
    resample: 3,
    ...openAi,
  },
}

/** By a name for the test. */
export const folders: Record<string, { files: FolderFiles; expected: object }> = {
  'CLIP, sizes as numbers': {
    files: clip,
    expected: {
      dimensions: 512,
      image: {
        width: 224,
        height: 224,
        fit: 'cover',
        resizeTo: 224,
        filter: 'bicubic',
        mean: openAi.image_mean,
      },
      text: {
        maxTokens: 77,
        padId: 49407,
        padTo: 'longest',
        lowerCase: true,
        cleaning: 'none',
      },
      head: { kind: 'softmax', scale: 100 },
    },
  },
  'CLIP, sizes as edges and usual fields left out': {
    files: {
      ...clip,
      'preprocessor_config.json': {
        image_processor_type: 'CLIPImageProcessor',
        size: { shortest_edge: 336 },
        crop_size: { height: 336, width: 336 },
      },
    },
    expected: {
      image: {
        width: 336,
        height: 336,
        fit: 'cover',
        resizeTo: 336,
        filter: 'bicubic',
        std: openAi.image_std,
      },
    },
  },
  MobileCLIP: {
    files: {
      ...clip,
      'config.json': { model_type: 'clip', projection_dim: 512, transformers_version: '4.40.0' },
      'preprocessor_config.json': {
        image_processor_type: 'CLIPFeatureExtractor',
        do_center_crop: true,
        crop_size: { height: 256, width: 256 },
        do_normalize: false,
        ...openAi,
        resample: 2,
        size: { shortest_edge: 256 },
      },
    },
    expected: {
      image: { width: 256, fit: 'cover', resizeTo: 256, filter: 'bilinear', mean: [0, 0, 0], std: [1, 1, 1] },
      head: { kind: 'softmax', scale: 100 },
    },
  },
  'MobileCLIP under its own name': {
    files: {
      ...clip,
      'config.json': { model_type: 'mobileclip', projection_dim: 512, logit_scale: 4.6052 },
      'preprocessor_config.json': {
        image_processor_type: 'CLIPImageProcessor',
        crop_size: { height: 256, width: 256 },
        do_normalize: false,
        size: { shortest_edge: 256 },
      },
    },
    expected: {
      image: { width: 256, fit: 'cover', mean: [0, 0, 0], std: [1, 1, 1] },
      text: { maxTokens: 77, padTo: 'longest', lowerCase: true },
      head: { kind: 'softmax', scale: expect.closeTo(100, 1) },
    },
  },
  'MobileCLIP 2': {
    files: {
      ...clip,
      'config.json': { model_type: 'mobileclip2' },
      'preprocessor_config.json': {
        image_processor_type: 'CLIPImageProcessor',
        do_normalize: false,
        size: { shortest_edge: 256 },
      },
    },
    expected: {
      dimensions: 512,
      image: { width: 256, height: 256, fit: 'cover', mean: [0, 0, 0] },
      text: { maxTokens: 77, padTo: 'longest', lowerCase: true },
      head: { kind: 'softmax', scale: 100 },
    },
  },
  'Chinese CLIP': {
    files: {
      ...bertTokenizer,
      'config.json': {
        model_type: 'chinese_clip',
        projection_dim: 512,
        logit_scale_init_value: 2.6592,
        transformers_version: '4.24.0',
        text_config: { max_position_embeddings: 512, pad_token_id: 0 },
      },
      'preprocessor_config.json': {
        image_processor_type: 'ChineseCLIPImageProcessor',
        do_center_crop: false,
        size: { height: 224, width: 224 },
      },
    },
    expected: {
      image: { width: 224, fit: 'squash', filter: 'bicubic', mean: openAi.image_mean, std: openAi.image_std },
      text: { maxTokens: 512, padId: 0, padTo: 'longest', lowerCase: true },
      head: { kind: 'softmax', scale: 100 },
    },
  },
  AltCLIP: {
    files: {
      ...robertaTokenizer,
      'config.json': {
        model_type: 'altclip',
        projection_dim: 768,
        logit_scale_init_value: 2.6592,
        transformers_version: '4.26.0',
        text_config: { max_position_embeddings: 514 },
      },
      'preprocessor_config.json': {
        feature_extractor_type: 'CLIPFeatureExtractor',
        crop_size: 224,
        size: 224,
      },
    },
    expected: {
      dimensions: 768,
      image: { width: 224, fit: 'cover', mean: openAi.image_mean },
      text: { maxTokens: 512, padId: 1, padTo: 'longest', lowerCase: false, cleaning: 'none' },
      head: { kind: 'softmax', scale: 100 },
    },
  },
  'Jina CLIP': {
    files: {
      ...bertTokenizer,
      'config.json': { model_type: 'jina_clip', projection_dim: 768, transformers_version: '4.42.4' },
      'preprocessor_config.json': {
        image_processor_type: 'CLIPImageProcessor',
        crop_size: { height: 224, width: 224 },
        size: { shortest_edge: 224 },
      },
    },
    expected: {
      dimensions: 768,
      image: { width: 224, fit: 'cover', mean: openAi.image_mean },
      text: { maxTokens: 77, padId: 0, padTo: 'longest', lowerCase: true },
      head: { kind: 'softmax', scale: 100 },
    },
  },
  SigLIP: {
    files: {
      ...siglipTokenizer,
      'config.json': { model_type: 'siglip', text_config: {}, vision_config: {} },
      'preprocessor_config.json': {
        image_processor_type: 'SiglipImageProcessor',
        do_resize: true,
        resample: 3,
        size: { height: 224, width: 224 },
        ...half,
      },
    },
    expected: {
      dimensions: 768,
      image: { width: 224, height: 224, fit: 'squash', filter: 'bicubic', mean: half.image_mean },
      text: { maxTokens: 64, padId: 1, padTo: 'max', lowerCase: true, cleaning: 'siglip' },
      head: { kind: 'sigmoid', scale: 117.33, bias: -12.93 },
    },
  },
  'SigLIP 2 of a fixed resolution': {
    files: {
      'tokenizer.json': {
        added_tokens: [
          { id: 0, content: '<pad>' },
          { id: 1, content: '<eos>' },
        ],
        model: { vocab: {} },
      },
      'tokenizer_config.json': {
        tokenizer_class: 'GemmaTokenizer',
        do_lower_case: true,
        model_max_length: 1e30,
        pad_token: '<pad>',
        eos_token: '<eos>',
      },
      'config.json': {
        model_type: 'siglip',
        text_config: { vocab_size: 256000 },
        vision_config: { hidden_size: 1152 },
      },
      'preprocessor_config.json': {
        image_processor_type: 'SiglipImageProcessor',
        resample: 2,
        size: { height: 384, width: 384 },
      },
    },
    expected: {
      dimensions: 1152,
      image: { width: 384, fit: 'squash', filter: 'bilinear', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      text: { maxTokens: 64, padId: 0, padTo: 'max', lowerCase: true, cleaning: 'none' },
      head: { kind: 'sigmoid' },
    },
  },
  'SigLIP 2 under its own name': {
    files: {
      ...siglipTokenizer,
      'config.json': { model_type: 'siglip2', logit_scale: 4.7, logit_bias: -16.8 },
      'preprocessor_config.json': {
        image_processor_type: 'SiglipImageProcessor',
        size: { height: 256, width: 256 },
      },
    },
    expected: {
      dimensions: 768,
      image: { width: 256, fit: 'squash', mean: half.image_mean },
      text: { maxTokens: 64, padTo: 'max', lowerCase: true },
      head: { kind: 'sigmoid', scale: expect.closeTo(Math.exp(4.7)), bias: -16.8 },
    },
  },
  'OpenCLIP export': {
    files: {
      ...clipTokenizer,
      'open_clip_config.json': {
        model_cfg: { embed_dim: 640, vision_cfg: { image_size: 256 }, text_cfg: { context_length: 77 } },
        preprocess_cfg: {
          mean: half.image_mean,
          std: half.image_std,
          interpolation: 'bilinear',
          resize_mode: 'squash',
        },
      },
    },
    expected: {
      dimensions: 640,
      image: { width: 256, fit: 'squash', filter: 'bilinear', mean: half.image_mean },
      text: { maxTokens: 77, lowerCase: true, cleaning: 'lower' },
      head: { kind: 'softmax', scale: 100 },
    },
  },
  'SigLIP out of OpenCLIP': {
    files: {
      ...siglipTokenizer,
      'open_clip_config.json': {
        model_cfg: {
          embed_dim: 768,
          init_logit_bias: -10,
          vision_cfg: { image_size: 224 },
          text_cfg: { context_length: 64 },
        },
      },
      'limn.json': { logit_scale: 50, logit_bias: -9 },
    },
    expected: {
      text: { padTo: 'max', padLength: 64, cleaning: 'canonicalize' },
      head: { kind: 'sigmoid', scale: 50, bias: -9 },
    },
  },
}
