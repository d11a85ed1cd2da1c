import { describe, expect, it } from 'vitest'
import type { AssetRow } from '../../../prisma/types.ts'
import {
  cleanCollection,
  joinCollections,
  liesIn,
  stepsOf,
} from '../../../workers/ingest/labels/collections.ts'
import { cleanLabels } from '../../../workers/ingest/labels/labels.ts'
import { labelPatch } from '../../../workers/ingest/labels/merge.ts'
import {
  characters,
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
    expect(cleanLabels({ title: 'a\0b', tags: ['x\0', ' y '], collections: [] })).toEqual({
      title: 'ab',
      tags: ['x', 'y'],
      collections: [],
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

describe('collections', () => {
  it('a collection is a path of cleaned steps, without empty ones', () => {
    expect(cleanCollection(' / Brand //U\u0308bung\u00a0 1/\t/')).toBe('Brand/Übung 1')
    expect(cleanCollection(' // / ')).toBe('')
  })

  it('a collection lies in itself and in those above it, regardless of case, and not in one whose name it begins with', () => {
    expect(liesIn('Brand/Logos', 'brand')).toBe(true)
    expect(liesIn('BRAND', 'brand')).toBe(true)
    expect(liesIn('Brand', 'Brand/Logos')).toBe(false)
    expect(liesIn('Branding/Logos', 'Brand')).toBe(false)
  })

  it('collections are there once, in their first spelling, within the limits', () => {
    expect(joinCollections(['Brand/Logos'], null, ['brand/LOGOS/', '', 'Brand'])).toEqual([
      'Brand/Logos',
      'Brand',
    ])
    const deep = joinCollections([Array.from({ length: 30 }, (_, n) => n).join('/')])[0]!
    expect(stepsOf(deep)).toHaveLength(labelLimits.collectionDepth)
    expect(joinCollections([`a/${'x'.repeat(600)}`, 'y'.repeat(600)])).toEqual([
      'a',
      'y'.repeat(labelLimits.collection),
    ])
    expect(joinCollections(Array.from({ length: 300 }, (_, n) => `c${n}`))).toHaveLength(
      labelLimits.collections,
    )
  })
})

describe('labels of an image that is there already', () => {
  const asset = {
    name: 'a.png',
    title: null,
    description: 'old',
    tags: ['Red'],
    collections: ['Brand/Logos'],
  } as Partial<AssetRow>
  const given = {
    name: 'b.png',
    title: 'T',
    description: 'new',
    tags: ['red', 'blue'],
    collections: ['brand/LOGOS', 'C'],
  }

  it('MERGE unites tags and collections and fills in what is empty', () => {
    expect(labelPatch(asset as AssetRow, given, 'MERGE')).toEqual({
      title: 'T',
      collections: ['Brand/Logos', 'C'],
      tags: ['Red', 'blue'],
    })
    expect(labelPatch(asset as AssetRow, { tags: ['RED'], title: '' }, 'MERGE')).toEqual({})
  })

  it('REPLACE takes what is given and leaves the rest', () => {
    expect(labelPatch(asset as AssetRow, given, 'REPLACE')).toEqual(given)
    expect(labelPatch(asset as AssetRow, { title: 'T' }, 'REPLACE')).toEqual({ title: 'T' })
  })

  it('a date is filled in where there is none, and replaced where that is asked for', () => {
    const [first, second] = [new Date('2020-01-01'), new Date('2021-01-01')]
    const dated = { ...asset, takenAt: first } as AssetRow
    expect(labelPatch(asset as AssetRow, { takenAt: first }, 'MERGE')).toEqual({ takenAt: first })
    expect(labelPatch(dated, { takenAt: second }, 'MERGE')).toEqual({})
    expect(labelPatch(dated, { takenAt: second }, 'REPLACE')).toEqual({ takenAt: second })
    expect(labelPatch(dated, { takenAt: new Date(first) }, 'REPLACE')).toEqual({})
  })

  it('KEEP changes nothing', () => {
    expect(labelPatch(asset as AssetRow, given, 'KEEP')).toEqual({})
  })
})
