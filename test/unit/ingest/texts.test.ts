import { describe, expect, it } from 'vitest'
import type { AssetRow } from '../../../prisma/types.ts'
import { labelPatch } from '../../../workers/ingest/labels/merge.ts'
import {
  characters,
  cleanLabels,
  cleanLine,
  cleanText,
  firstCharacters,
  joinTags,
  labelLimits,
  lastCharacters,
} from '../../../workers/ingest/labels/texts.ts'

describe('texts', () => {
  it('a text loses NULs, control characters, lone surrogates and byte order marks', () => {
    expect(cleanLine('\ufeffbe\0fore\u0007 \ud800after\u009b')).toBe('before after')
    expect(cleanText('one\r\ntwo\u2028three\0\tfour\n')).toBe('one\ntwo\nthree\tfour')
  })

  it('a text is composed (NFC), and a line has single blanks of one kind', () => {
    expect(cleanLine('U\u0308bung')).toBe('Übung')
    expect(cleanLine(' two\u00a0 \t\n words\u3000')).toBe('two words')
  })

  it('limits count characters, and none is cut in two', () => {
    const faces = '😀'.repeat(10)
    expect(characters(faces)).toBe(10)
    expect(firstCharacters(faces, 4)).toBe('😀'.repeat(4))
    expect(lastCharacters(`${faces}.png`, 6)).toBe('😀😀.png')
    expect(firstCharacters(faces, 12)).toBe(faces)
  })

  it('labels are cleaned where they are given, and absent ones stay absent', () => {
    expect(cleanLabels({ title: 'a\0b', tags: ['x\0', ' y '], collection: null })).toEqual({
      title: 'ab',
      tags: ['x', 'y'],
      collection: null,
    })
  })
})

describe('tags', () => {
  it('tags are trimmed, and each is there once, in its first spelling', () => {
    expect(joinTags([' Sea ', 'sky'], null, ['SEA', '', '  ', 'two  words', 'U\u0308', 'Ü'])).toEqual([
      'Sea',
      'sky',
      'two words',
      'Ü',
    ])
  })

  it('tags keep to their limits', () => {
    expect(joinTags(['x'.repeat(500)])[0]).toHaveLength(labelLimits.tag)
    expect(joinTags(Array.from({ length: 500 }, (_, n) => `tag ${n}`))).toHaveLength(labelLimits.tags)
  })
})

describe('labels of an image that is there already', () => {
  const asset = {
    name: 'a.png',
    title: null,
    description: 'old',
    tags: ['Red'],
    collection: '',
  } as Partial<AssetRow>
  const given = { name: 'b.png', title: 'T', description: 'new', tags: ['red', 'blue'], collection: 'C' }

  it('MERGE unites tags and fills in what is empty', () => {
    expect(labelPatch(asset as AssetRow, given, 'MERGE')).toEqual({
      title: 'T',
      collection: 'C',
      tags: ['Red', 'blue'],
    })
    expect(labelPatch(asset as AssetRow, { tags: ['RED'], title: '' }, 'MERGE')).toEqual({})
  })

  it('REPLACE takes what is given and leaves the rest', () => {
    expect(labelPatch(asset as AssetRow, given, 'REPLACE')).toEqual(given)
    expect(labelPatch(asset as AssetRow, { title: 'T' }, 'REPLACE')).toEqual({ title: 'T' })
  })

  it('KEEP changes nothing', () => {
    expect(labelPatch(asset as AssetRow, given, 'KEEP')).toEqual({})
  })
})
