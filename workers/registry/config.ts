/** A model folder's own config files, of Hugging Face's layout or OpenCLIP's. */
import { ModelFolderError } from '../errors.ts'
import type { FolderConfig, ReadScalars } from './config/folder-config.ts'
import { fromHuggingFace } from './config/hugging-face.ts'
import type { ImageProcessor } from './config/image-processor.ts'
import { type Json, readJson } from './config/json.ts'
import { fromOpenClip } from './config/open-clip.ts'

/**
 * `learned` reads the scalars that the ONNX files hold; it is called once the family is known. `limn.json` of the folder
 * (keys `logit_scale`, `logit_bias`) comes before them.
 * @throws ModelFolderError naming the file and the field that is missing or not supported
 */
export async function readConfig(
  folder: string,
  learned: ReadScalars = async () => ({}),
): Promise<FolderConfig> {
  const [config, preprocessor, processor, openClip, vocabulary, tokenizerConfig, specialTokens, override] =
    await Promise.all(
      [
        'config.json',
        'preprocessor_config.json',
        'processor_config.json',
        'open_clip_config.json',
        'tokenizer.json',
        'tokenizer_config.json',
        'special_tokens_map.json',
        'limn.json',
      ].map((file) => readJson(folder, file)),
    )
  if (!config && !openClip) throw new ModelFolderError('There is no config.json.')
  if (!vocabulary || !tokenizerConfig)
    throw new ModelFolderError(
      'tokenizer.json and tokenizer_config.json are needed; one of them is not there.',
    )
  if (!(vocabulary.model?.vocab instanceof Object))
    throw new ModelFolderError('tokenizer.json holds no model with a vocabulary: it is no tokenizer.')
  const tokenizer = { tokenizer: vocabulary, config: tokenizerConfig, specialTokens: specialTokens ?? {} }
  const scalars: ReadScalars = async (wanted) => ({ ...(await learned(wanted)), ...override })
  if (openClip?.model_cfg) return fromOpenClip(openClip, tokenizer, scalars)
  if (!config) throw new ModelFolderError('There is no config.json.')
  return fromHuggingFace(config, imageProcessorOf(preprocessor, processor), tokenizer, scalars)
}

/** Newer versions of transformers write it into processor_config.json, and read it from there first. */
function imageProcessorOf(preprocessor?: Json | null, processor?: Json | null): ImageProcessor | null {
  if (processor?.image_processor) return { file: 'processor_config.json', fields: processor.image_processor }
  return preprocessor ? { file: 'preprocessor_config.json', fields: preprocessor } : null
}
