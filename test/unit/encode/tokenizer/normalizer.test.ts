import { expect, test } from 'vitest'
import { normalizerStep } from '../../../../workers/encode/tokenizer/normalizer.ts'

const apply = (normalizer: object, text: string, config = {}) => normalizerStep(normalizer, config)(text)

test.each<[string, object, string, string]>([
  ['NFKC', { type: 'NFKC' }, 'ﬁ ½', 'fi 1⁄2'],
  ['lower case, letter by letter', { type: 'Lowercase' }, 'ΟΔΟΣ İ', 'οδοσ i̇'],
  [
    'white space at one end',
    { type: 'Strip', strip_left: true, strip_right: false },
    '\u00a0\u2003 a ',
    'a ',
  ],
  ['accents', { type: 'StripAccents' }, 'e\u0301 é', 'e é'],
  ['a text', { type: 'Replace', pattern: { String: '.' }, content: '' }, 'a.b', 'ab'],
  ['a pattern', { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }, 'a   b', 'a b'],
  ['what is put before', { type: 'Prepend', prepend: '▁' }, 'a', '▁a'],
  ['kinds of space', { type: 'Nmt' }, 'a\u200bb\u0007\tc', 'a b c'],
  [
    'steps in their order',
    { type: 'Sequence', normalizers: [{ type: 'NFD' }, { type: 'StripAccents' }, { type: 'Lowercase' }] },
    'ÉA',
    'ea',
  ],
])('a normalizer follows %s', (_, normalizer, text, expected) => {
  expect(apply(normalizer, text)).toBe(expected)
})

const bert = {
  type: 'BertNormalizer',
  clean_text: true,
  handle_chinese_chars: true,
  strip_accents: null,
  lowercase: true,
}

test("BERT's normalizer cleans, sets ideographs apart and knows neither case nor accents", () => {
  expect(apply(bert, 'É\u0000\u00a0a猫\u{20000}b')).toBe('e a 猫  \u{20000} b')
})

test("case, accents and ideographs of tokenizer_config.json come before those of BERT's normalizer", () => {
  expect(apply(bert, 'Éa猫', { do_lower_case: false })).toBe('Éa 猫 ')
  expect(apply(bert, 'Éa猫', { strip_accents: false, tokenize_chinese_chars: false })).toBe('éa猫')
})

test('a normalizer of an unknown type is an error that names it', () => {
  expect(() => apply({ type: 'Sequence', normalizers: [{ type: 'Odd' }] }, 'a')).toThrow(/"Odd"/)
})
