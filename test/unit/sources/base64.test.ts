import { describe, expect, it } from 'vitest'
import { decodeBase64 } from '../../../workers/sources/base64.ts'

const bytes = Buffer.from(Array.from({ length: 200 }, (_, n) => (n * 37) & 255))
const text = bytes.toString('base64')
const code = (given: string, max = 1000) => {
  try {
    decodeBase64(given, max)
    return 'taken'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('images as base64', () => {
  it.each([
    ['plain', text],
    ['without padding', text.replace(/=+$/, '')],
    ['of the URL alphabet', bytes.toString('base64url')],
    ['in lines of 76', text.replace(/.{76}/g, '$&\r\n')],
    ['as a data: URI', `data:image/png;base64,${text}`],
    ['as a data: URI with parameters', `DATA:image/png;charset=x;base64,${text}`],
    ['as a data: URI with escapes', `data:image/png;base64,${encodeURIComponent(text)}`],
  ])('%s', (_name, given) => expect(Buffer.from(decodeBase64(given, 1000))).toEqual(bytes))

  it('reads percent-encoded data: URIs, which hold SVG as a rule', () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><title>Grün #1 50%</title></svg>'
    for (const body of [encodeURIComponent(svg), svg.replaceAll('#', '%23')])
      expect(Buffer.from(decodeBase64(`data:image/svg+xml;utf8,${body}`, 1000)).toString()).toBe(svg)
    const octets = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
    expect(Buffer.from(decodeBase64(`data:,${octets}`, 200))).toEqual(bytes)
  })

  it('tells what cannot be used', () => {
    expect(code('')).toBe('EMPTY')
    expect(code(' \n')).toBe('EMPTY')
    expect(code('data:image/png;base64,')).toBe('EMPTY')
    expect(code('data:,')).toBe('EMPTY')
    expect(code('data:image/png;base64')).toBe('INVALID')
    expect(code('not base64!')).toBe('INVALID')
    expect(code('QUJ=DEFG')).toBe('INVALID')
    expect(code('QUJDR')).toBe('INVALID')
    expect(code('QUI==')).toBe('INVALID')
  })

  it('counts exactly and before decoding', () => {
    expect(code(text, 200)).toBe('taken')
    expect(code(text, 199)).toBe('TOO_LARGE')
    expect(code('!'.repeat(10_000), 100)).toBe('TOO_LARGE')
    expect(code(`data:,${'a'.repeat(101)}`, 100)).toBe('TOO_LARGE')
    expect(code(`data:,${'%61'.repeat(100)}`, 100)).toBe('taken')
  })
})
