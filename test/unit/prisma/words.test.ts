// cspell:disable
import { describe, expect, it } from 'vitest'
import { differsByOne, slipsOf } from '../../../prisma/words/near.ts'
import { parseQuery } from '../../../prisma/words/query/query.ts'
import { textQuery } from '../../../prisma/words/query/tsquery.ts'
import { type Labels, wordsOf } from '../../../prisma/words/text/document.ts'
import { fold } from '../../../prisma/words/text/fold.ts'
import { wholeOf, withoutEnding } from '../../../prisma/words/text/lexemes.ts'
import { pieces } from '../../../prisma/words/text/split.ts'
import { stem } from '../../../prisma/words/text/stem.ts'

const joints = { none: ' ', dash: '-', word: '+' }
/** Pieces with what joins them: "a-b" by a dash, "a+b" within a word. */
const shown = (text: string) =>
  [...pieces(text)]
    .map(({ joint, text, spelling }) => joints[joint] + text + (spelling ? `/${spelling}` : ''))
    .join('')
    .trim()

const labels = (given: Partial<Labels>): Labels => ({
  ...{ name: '', title: null, description: null, tags: [], collections: [] },
  ...given,
})

describe('words of a text', () => {
  it.each([
    // File names as they come.
    ['IMG_2024-12-31 (1).JPG', 'img-2024-12-31 1 jpg'],
    ['HTMLParser', 'html+parser'],
    ['blueStarShape.png', 'blue+star+shape-png'],
    ['iPhoneX mockup@2x.psd', 'i+phone+x mockup 2+x-psd'],
    ['icon24px_v2.1.svg', 'icon+24+px-v+2-1-svg'],
    ['Screenshot 2025-11-25 at 20.54.33.png', 'screenshot 2025-11-25 at 20-54-33-png'],
    ['brand/2025/Logos & Co', 'brand-2025-logos co'],
    ['URLs and PDFs', 'urls and pdfs'],
    ['UPPER_CASE-NAME', 'upper-case-name'],
    ['__init__..final-FINAL(2)', 'init final-final 2'],
    ['Brand™ Logo©2020', 'brand logo 2020'],
    ["don't Dog's L’amour", 'don+t dog+s l+amour'],
    ['C++ C# .NET', 'c c net'],
    // Languages.
    ['Grün-Straße ÄRGER', 'grun/gruen-strasse arger/aerger'],
    ['Smørrebrød Ångström', 'smorrebrod/smoerrebroed angstrom/aangstroem'],
    ['Œuvre ÉTÉ', 'oeuvre ete'],
    ['Łódź Đà Nẵng', 'lodz da nang'],
    ['İstanbul ISPARTA ısı', 'istanbul isparta isi'],
    ['Ελλάς ΟΔΟΣ', 'ελλασ οδοσ'],
    ['Ёлка йод', 'елка иод'],
    ['كِتَابٌ أحمر', 'كتاب احمر'],
    ['فارسی ۱۴۰۳', 'فارسي 1403'],
    ['שָׁלוֹם', 'שלום'],
    ['हिन्दी', 'हिन्दी'],
    ['黒い猫 cat', '黒い猫 cat'],
    ['ｶﾒﾗ カメラ', 'カメラ カメラ'],
    ['แมวดำ', 'แมวดํา'],
    ['고양이', '고양이'],
    ['U\u0308bung \u00dcbung', 'ubung/uebung ubung/uebung'],
    ['ﬁlter Ⅳ ①', 'filter iv 1'],
    // Emoji.
    ['👍🏽 ❤️ 👩‍💻photo', '👍 ❤ 👩‍💻+photo'],
    ['!!! ??? ---', ''],
    ['\u0301 \ufe0f', ''],
  ])('"%s" is taken apart as "%s"', (text, expected) => {
    expect(shown(text)).toBe(expected)
  })

  it('folding twice changes nothing', () => {
    for (const text of ['Straße', 'ΣΊΣΥΦΟΣ', 'İstanbul', 'Ồ', 'آب', 'Ætt'])
      expect(fold(fold(text))).toBe(fold(text))
  })

  it.each([
    ['horses', 'horse'],
    ['houses', 'house'],
    ['boxes', 'box'],
    ['axes', 'axe'],
    ['cookies', 'cookie'],
    ['cities', 'city'],
    ['children', 'child'],
    ['leaves', 'leaf'],
    ['glasses', 'glass'],
    ['buses', 'bus'],
  ])('%s and %s share a stem', (plural, singular) => {
    expect(stem(plural)).toBe(stem(singular))
  })

  it.each(['bus', 'glass', 'news', 'this', 'christmas', 'status', 'axis', 'его', 'ss'])(
    '%s is no plural',
    (word) => {
      expect(stem(word)).toBe(word)
    },
  )

  it.each(['Red-Heart_01.svg', 'red heart 01', 'redHeart01', 'RED  HEART-01.SVG'])(
    'the whole name %s is the same as its other spellings',
    (name) => {
      expect([wholeOf('red-heart-01'), wholeOf('red-heart-01.svg')]).toContain(wholeOf(name))
    },
  )

  it('a file’s ending is known by its letters', () => {
    expect(['a.svg', 'logo v2.1', 'x.tar.gz', 'no'].map(withoutEnding)).toEqual([
      ...['a', 'logo v2.1', 'x.tar', 'no'],
    ])
  })
})

describe('words of an asset', () => {
  it('a lexeme knows the fields that it stands in', () => {
    const { words } = wordsOf(
      labels({
        name: 'red-heart.svg',
        title: 'Heart',
        tags: ['heart'],
        collections: ['Heart'],
        description: 'heart',
      }),
    )
    expect(words).toMatch(/'heart':2A,\d+A,\d+B,\d+C,\d+ /)
    expect(words).toContain("'=redheartsvg':1A '=redheart':1A")
    expect(words).toContain("'+redheart':2A")
  })

  it('quotation marks and backslashes stay what they are', () => {
    expect(wordsOf(labels({ name: "it's a \\'quoted\\' 'name'" })).words).not.toMatch(/[^\\]\\[^\\]/)
  })

  it('no text makes more lexemes, or longer ones, than a row may have', () => {
    const texts = [
      'word '.repeat(2000),
      Array.from({ length: 5000 }, (_, n) => `w${n}`).join(' '),
      'x'.repeat(10_000),
      '黒い猫が好き'.repeat(1700),
      '㍿'.repeat(500),
      Array.from({ length: 3000 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join(''),
    ]
    for (const text of texts) {
      const { words, vocabulary } = wordsOf(
        labels({
          name: text.slice(0, 255),
          title: text.slice(0, 500),
          description: text,
          tags: Array.from({ length: 200 }, (_, n) => text.slice(n * 7, n * 7 + 100)),
        }),
      )
      expect(vocabulary.length).toBeLessThan(10_000)
      expect(words.length).toBeLessThan(200_000)
      expect(Math.max(...vocabulary.map((lexeme) => Buffer.byteLength(lexeme)))).toBeLessThan(1000)
      for (const [, places] of words.matchAll(/':([\dABC,]+) /g))
        expect(places!.split(',').length).toBeLessThan(256)
    }
  })
})

describe('what people type', () => {
  it.each([
    ['cat -dog', 'cat'],
    ['"red heart" on white', 'red heart on white'],
    ['a t-shirt - red', 'a t-shirt - red'],
    ['cat or dog', 'cat or dog'],
    ['-"guide dog" cat', 'cat'],
    ['“smart” quotes', 'smart quotes'],
    ['-dog', ''],
    ['  spaces  stay  ', '  spaces  stay  '],
  ])('of "%s" a text encoder reads "%s"', (text, plain) => {
    expect(parseQuery(text).plain).toBe(plain)
  })

  it.each<[string, string | null]>([
    ['!!! ???', null],
    ['the', "('the' | '~the' | '+the' | 'the':*)"],
    ['the cat ', "('cat' | '~cat' | '+cat')"],
    ['猫', "'猫':*"],
    ['黒い猫', "('黒い' <-> 'い猫')"],
    ['cat -do', "(('cat' | '~cat' | '+cat') & !('do' | '~do' | '+do'))"],
    ['-dog', "!('dog' | '~dog' | '+dog')"],
  ])('the filter "%s" asks for %s', (text, query) => {
    expect(textQuery(text)).toBe(query)
  })

  it('a long text asks for its first words only', () => {
    expect(textQuery('word '.repeat(5000))!.length).toBeLessThan(5000)
    expect(parseQuery('a b '.repeat(2500)).alternatives[0]!.length).toBeLessThanOrEqual(64)
  })
})

describe('slips of the hand', () => {
  it.each([
    ['umbrela', 'umbrella', true],
    ['umberlla', 'umbrella', true],
    ['umbrellla', 'umbrella', true],
    ['unbrella', 'umbrella', true],
    ['lion', 'loin', true],
    ['cat', 'cats', true],
    ['horse', 'horse', false],
    ['horse', 'house', true],
    ['horse', 'hoarse', true],
    ['horse', 'shore', false],
    ['abcd', 'badc', false],
    ['abcd', 'acbde', false],
    ['кот', 'крот', true],
  ])('%s and %s: %s', (a, b, expected) => {
    expect(differsByOne(a, b)).toBe(expected)
    expect(differsByOne(b, a)).toBe(expected)
  })

  it('what a slip may have made of a word is near it', () => {
    for (const word of ['umbrella', 'aab', 'x'])
      for (const slip of slipsOf(word)) expect(differsByOne(word, slip), slip).toBe(true)
  })
})
