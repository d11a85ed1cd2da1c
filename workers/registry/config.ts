/** A model folder's own config files, of Hugging Face's layout or OpenCLIP's. */
import { ModelFolderError } from '../errors.ts'
import type { FolderConfig, LogitScalars } from './config/folder-config.ts'
import { fromHuggingFace } from './config/hugging-face.ts'
import { readJson } from './config/json.ts'
import { fromOpenClip } from './config/open-clip.ts'

/**
 * `learned` reads the scalars that the ONNX files hold; it is called once the family is known. `limn.json` of the folder
 * (keys `logit_scale`, `logit_bias`) comes before them.
 * @throws ModelFolderError naming the file and the field that is missing or not supported
 */
export async function readConfig(
  folder: string,
  learned: () => Promise<LogitScalars> = async () => ({}),
): Promise<FolderConfig> {
  const [config, preprocessor, openClip, vocabulary, tokenizerConfig, override] = await Promise.all(
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
  if (!vocabulary || !tokenizerConfig)
    throw new ModelFolderError(
      'tokenizer.json and tokenizer_config.json are needed; one of them is not there.',
    )
  if (!(vocabulary.model?.vocab instanceof Object))
    throw new ModelFolderError('tokenizer.json holds no model with a vocabulary: it is no tokenizer.')
  const tokenizer = { tokenizer: vocabulary, config: tokenizerConfig }
  const scalars = async () => ({ ...(await learned()), ...override })
  if (openClip?.model_cfg) return fromOpenClip(openClip, tokenizer, scalars)
  if (!config) throw new ModelFolderError('There is no config.json.')
  return fromHuggingFace(config, preprocessor ?? null, tokenizer, scalars)
}
