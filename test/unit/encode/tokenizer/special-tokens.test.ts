import { expect, test } from 'vitest'
import { specialTokens } from '../../../../workers/encode/tokenizer/special-tokens.ts'

const added_tokens = [
  { id: 1, content: '<eos>' },
  { id: 2, content: '<bos>' },
]
const config = { bos_token: '<bos>', eos_token: { content: '<eos>' } }
const of = (post_processor: object | null, more = {}) =>
  specialTokens({ added_tokens, post_processor }, { ...config, ...more })

const template = (...names: string[]) => ({
  type: 'TemplateProcessing',
  single: names.map((id) =>
    id === 'A' ? { Sequence: { id, type_id: 0 } } : { SpecialToken: { id, type_id: 0 } },
  ),
  special_tokens: { '<bos>': { ids: [2] }, '<eos>': { ids: [1] } },
})

test('a tokenizer without a post-processor puts nothing around a text', () => {
  expect(of(null)).toEqual({ before: [], after: [] })
  expect(of({ type: 'ByteLevel' })).toEqual({ before: [], after: [] })
})

test("BERT's and RoBERTa's post-processors put one token before and one behind", () => {
  const tokens = { cls: ['<bos>', 2], sep: ['<eos>', 1] }
  expect(of({ type: 'BertProcessing', ...tokens })).toEqual({ before: [2], after: [1] })
  expect(of({ type: 'RobertaProcessing', ...tokens })).toEqual({ before: [2], after: [1] })
})

test('a template says itself which tokens stand where', () => {
  expect(of(template('<bos>', 'A', '<eos>', '<eos>'))).toEqual({ before: [2], after: [1, 1] })
})

test('of several post-processors a later one puts its tokens outside', () => {
  const processors = [{ type: 'ByteLevel' }, template('A', '<eos>'), template('<bos>', 'A')]
  expect(of({ type: 'Sequence', processors })).toEqual({ before: [2], after: [1] })
})

test('tokenizer_config.json has the last word where it states whether the ends are marked', () => {
  expect(of(template('A'), { add_eos_token: true, add_bos_token: true })).toEqual({ before: [2], after: [1] })
  expect(of(template('A', '<eos>'), { add_eos_token: true })).toEqual({ before: [], after: [1] })
  expect(of(template('<bos>', 'A', '<eos>'), { add_bos_token: false })).toEqual({ before: [], after: [1] })
})

test('a post-processor of an unknown type is an error that names it', () => {
  expect(() => of({ type: 'Odd' })).toThrow(/"Odd"/)
})
