import { expect, it } from 'vitest'
import { parseRange } from '../../../api/http/range.ts'

it.each([
  ['bytes=0-4', { start: 0, end: 4 }],
  ['bytes=5-', { start: 5, end: 9 }],
  ['bytes=-3', { start: 7, end: 9 }],
  ['bytes=-30', { start: 0, end: 9 }],
  ['bytes=8-100', { start: 8, end: 9 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-2', null],
  ['bytes=0-1,4-5', null],
  ['items=0-1', null],
  ['bytes=-', null],
  [undefined, null],
])('the Range header %s of a file of 10 bytes is read', (header, range) =>
  expect(parseRange(header, 10)).toEqual(range),
)

it('an empty file has no range', () => expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable'))
