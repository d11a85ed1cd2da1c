import { describe, expect, it } from 'vitest'
import { decodeBase64 } from '../../../workers/sources/base64.ts'

const bytes = Buffer.from(Array.from({ length: 200 }, (_, n) => (n * 37) & 255))
const text = bytes.toString('base64')
const outcome = (given: string, maxBytes = 1000) => {
  try {
    decodeBase64(given, maxBytes)
    return 'decoded'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('images as base64', () => {
  it.each([
    ['in plain base64', text],
    ['without padding', text.replace(/=+$/, '')],
    ['in the URL alphabet', bytes.toString('base64url')],
    ['in lines of 76', text.replace(/.{76}/g, '$&\r\n')],
    ['as a data: URI', `data:image/png;base64,${text}`],
    ['as a data: URI with parameters', `DATA:image/png;charset=x;base64,${text}`],
    ['as a data: URI with escapes', `data:image/png;base64,${encodeURIComponent(text)}`],
  ])('an image %s is decoded', (_name, given) =>
    expect(Buffer.from(decodeBase64(given, 1000))).toEqual(bytes),
  )

  it('a percent-encoded data: URI, as design tools write SVG, is decoded', () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><title>Grün #1 50%</title></svg>'
    for (const body of [encodeURIComponent(svg), svg.replaceAll('#', '%23')])
      expect(Buffer.from(decodeBase64(`data:image/svg+xml;utf8,${body}`, 1000)).toString()).toBe(svg)
    const octets = Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
    expect(Buffer.from(decodeBase64(`data:,${octets}`, 200))).toEqual(bytes)
  })

  it('a text that is empty or malformed has its code', () => {
    expect(outcome('')).toBe('EMPTY')
    expect(outcome(' \n')).toBe('EMPTY')
    expect(outcome('data:image/png;base64,')).toBe('EMPTY')
    expect(outcome('data:,')).toBe('EMPTY')
    expect(outcome('data:image/png;base64')).toBe('INVALID')
    expect(outcome('not base64!')).toBe('INVALID')
    expect(outcome('QUJ=DEFG')).toBe('INVALID')
    expect(outcome('QUJDR')).toBe('INVALID')
    expect(outcome('QUI==')).toBe('INVALID')
  })

  it('the limit counts bytes exactly, before anything is decoded', () => {
    expect(outcome(text, 200)).toBe('decoded')
    expect(outcome(text, 199)).toBe('TOO_LARGE')
    expect(outcome('!'.repeat(10_000), 100)).toBe('TOO_LARGE')
    expect(outcome(`data:,${'a'.repeat(101)}`, 100)).toBe('TOO_LARGE')
    expect(outcome(`data:,${'%61'.repeat(100)}`, 100)).toBe('decoded')
  })
})
