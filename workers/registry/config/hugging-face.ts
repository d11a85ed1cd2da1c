/** A folder as Hugging Face's exporters write it: config.json and preprocessor_config.json. */
import { ModelFolderError } from '../../errors.ts'
import { families, familyOf } from '../families.ts'
import type { FolderConfig, LogitScalars, TokenizerFiles } from './folder-config.ts'
import { readHead } from './head.ts'
import { type Json, positive } from './json.ts'
import { readPreprocessor } from './preprocessor.ts'
import { readText } from './tokenizer.ts'

/** `scalars` is called once the family is known. @throws ModelFolderError */
export async function fromHuggingFace(
  config: Json,
  preprocessor: Json | null,
  tokenizer: TokenizerFiles,
  scalars: () => Promise<LogitScalars>,
): Promise<FolderConfig> {
  const type = String(config.model_type ?? '')
  const family = familyOf(type)
  if (!family)
    throw new ModelFolderError(
      `config.json says model_type "${type}"; supported are ${Object.keys(families).join(', ')}.`,
    )
  if (!preprocessor) throw new ModelFolderError('There is no preprocessor_config.json.')
  if (preprocessor.max_num_patches !== undefined)
    throw new ModelFolderError(
      'preprocessor_config.json says max_num_patches: the model takes images of any shape (NaFlex), which is not supported. Take the variant of a fixed resolution.',
    )
  const vision = config.vision_config ?? {}
  const text = config.text_config ?? {}
  return {
    dimensions: positive(config.projection_dim ?? family.dimensions(vision), 'projection_dim'),
    image: readPreprocessor(preprocessor, vision.image_size, family),
    text: readText(
      tokenizer,
      { maxTokens: text.max_position_embeddings ?? family.maxTokens, padId: text.pad_token_id },
      family,
    ),
    head: readHead(family, config, await scalars()),
  }
}
