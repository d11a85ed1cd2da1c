/** The tokens that a tokenizer puts around a text. */
import type { Json } from '../../registry/config/json.ts'
import { tokenId } from '../../registry/config/tokenizer.ts'

export interface SpecialTokens {
  before: number[]
  after: number[]
}

/**
 * From the post-processor of tokenizer.json. Where tokenizer_config.json states `add_bos_token` or `add_eos_token`, it
 * has the last word. @throws Error for a post-processor that is not supported
 */
export function specialTokens(tokenizer: Json, config: Json): SpecialTokens {
  const { before, after } = fromPostProcessor(tokenizer.post_processor)
  const bos = tokenId(tokenizer, config.bos_token)
  const eos = tokenId(tokenizer, config.eos_token)
  return {
    before: bos === undefined ? before : withToken(before, bos, config.add_bos_token, [bos, ...before]),
    after: eos === undefined ? after : withToken(after, eos, config.add_eos_token, [...after, eos]),
  }
}

/** `added` where the token is wanted and absent. */
function withToken(tokens: number[], token: number, wanted: unknown, added: number[]): number[] {
  if (wanted === true) return tokens.includes(token) ? tokens : added
  return wanted === false ? tokens.filter((id) => id !== token) : tokens
}

function fromPostProcessor(processor: Json | null | undefined): SpecialTokens {
  switch (processor?.type) {
    case undefined:
    case 'ByteLevel':
      return { before: [], after: [] }
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: [processor!.cls[1]], after: [processor!.sep[1]] }
    case 'TemplateProcessing':
      return fromTemplate(processor!)
    case 'Sequence':
      return (processor!.processors as Json[]).map(fromPostProcessor).reduce((inner, outer) => ({
        before: [...outer.before, ...inner.before],
        after: [...inner.after, ...outer.after],
      }))
    default:
      throw new Error(`its post_processor "${processor!.type}" is not supported`)
  }
}

function fromTemplate({ single, special_tokens: special }: Json): SpecialTokens {
  const pieces: Json[] = single
  const place = pieces.findIndex((piece) => piece.Sequence)
  const ids = (part: Json[]) =>
    part.flatMap((piece): number[] => {
      const found = special?.[piece.SpecialToken?.id]?.ids
      if (!Array.isArray(found)) throw new Error('the template of its post_processor is not supported')
      return found
    })
  return { before: ids(pieces.slice(0, place)), after: ids(pieces.slice(place + 1)) }
}
