/** A folder as Hugging Face's exporters write it: config.json with preprocessor_config.json or processor_config.json. */
import { ModelFolderError } from '../../errors.ts'
import { type Family, families, familyOf } from '../families.ts'
import type { Cleaning } from '../text-spec.ts'
import type { FolderConfig, ReadScalars, TokenizerFiles } from './folder-config.ts'
import { readHead, scalarsOf } from './head.ts'
import { type ImageProcessor, readImageProcessor } from './image-processor.ts'
import { type Json, positive } from './json.ts'
import { readText } from './tokenizer.ts'

/** `scalars` is called once the family is known. @throws ModelFolderError */
export async function fromHuggingFace(
  config: Json,
  processor: ImageProcessor | null,
  tokenizer: TokenizerFiles,
  scalars: ReadScalars,
): Promise<FolderConfig> {
  const type = String(config.model_type ?? '')
  const family = familyOf(type)
  if (!family)
    throw new ModelFolderError(
      `config.json says model_type "${type}"; supported are ${Object.keys(families).join(', ')}.`,
    )
  if (!processor)
    throw new ModelFolderError(
      'There is no preprocessor_config.json, and no processor_config.json with an image_processor.',
    )
  const vision = config.vision_config ?? {}
  const text = config.text_config ?? {}
  return {
    dimensions: positive(config.projection_dim ?? family.dimensions(vision), 'projection_dim'),
    image: readImageProcessor(processor, vision.image_size, family),
    text: readText(tokenizer, {
      maxTokens: text.max_position_embeddings ?? family.maxTokens,
      padTo: family.padTo,
      padId: text.pad_token_id ?? undefined,
      ...textSteps(tokenizer.config, family),
    }),
    head: readHead(family, config, await scalars(scalarsOf(family))),
  }
}

/** Steps that Hugging Face's code takes and tokenizer.json need not state: SigLIP's tokenizer has a class of its own. */
function textSteps({ tokenizer_class: name }: Json, { lowerCase }: Family) {
  const siglip = name === 'SiglipTokenizer' || name === 'SiglipTokenizerFast'
  const cleaning: Cleaning = siglip ? 'siglip' : 'none'
  return { lowerCase, cleaning }
}
