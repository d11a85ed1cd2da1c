import { expect, test } from 'vitest'
import { cleaningStep } from '../../../../workers/encode/tokenizer/clean.ts'
import type { Cleaning } from '../../../../workers/registry/text-spec.ts'

const clean = (cleaning: Cleaning, text: string, lowerCase = false) =>
  cleaningStep({ cleaning, lowerCase })(text)
const text = ' Tom &amp;amp; Jerry_s  “Car”,\u00a050&#37;\n'

test.each<[Cleaning, string]>([
  ['none', text],
  ['siglip', 'Tom ampamp Jerrys “Car” 5037'],
  ['whitespace', 'Tom & Jerry_s "Car", 50%'],
  ['lower', 'tom & jerry_s "car", 50%'],
  ['canonicalize', 'tom jerry s car 50'],
])('cleaning "%s" gives what its reference gives', (cleaning, expected) => {
  expect(clean(cleaning, text)).toBe(expected)
})

test('a text in lower case is one before it is cleaned', () => {
  expect(clean('siglip', 'A Red, Car', true)).toBe('a red car')
  expect(clean('none', 'A Red, Car', true)).toBe('a red, car')
})

test("OpenCLIP's cleaning knows the named characters of HTML, ligatures and wide letters", () => {
  expect(clean('whitespace', 'caf&eacute; &lt3 &copy &notit; ﬁne Ａ１')).toBe('café <3 © ¬it; fine A1')
})
