import { describe, expect, it } from 'vitest'
import { authorise, checkLoopbackHost, isForeign, presentedKey } from '../../../api/access/auth.ts'
import { checkForgery } from '../../../api/access/csrf.ts'
import { keyMatcher } from '../../../api/access/keys.ts'

const host = '127.0.0.1:4000'

describe('which Host names a server without keys answers to', () => {
  it.each([
    'localhost',
    'localhost:4000',
    '127.0.0.1:1',
    '127.1.2.3',
    '[::1]:4000',
    'limn.localhost:4000',
    'LOCALHOST',
  ])('%s', (name) => expect(() => checkLoopbackHost(name)).not.toThrow())
  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:4000',
    '10.0.0.1',
    '',
    undefined,
  ])('not %s', (name) => expect(() => checkLoopbackHost(name)).toThrow(/loopback/))
})

describe('foreign pages', () => {
  it('have another origin, null included', () => {
    expect(isForeign({ host, origin: 'null' })).toBe(true)
    expect(isForeign({ host, origin: 'http://localhost:4000' })).toBe(true)
    expect(isForeign({ host, origin: 'http://127.0.0.1:5173' })).toBe(true)
    expect(isForeign({ host, origin: `http://${host}` })).toBe(false)
  })
  it('are told by Sec-Fetch-Site where no Origin is sent', () => {
    expect(isForeign({ host, 'sec-fetch-site': 'cross-site' })).toBe(true)
    expect(isForeign({ host, 'sec-fetch-site': 'none' })).toBe(false)
    expect(isForeign({ host })).toBe(false)
  })
})

describe('keys', () => {
  const matches = keyMatcher('limn_right')
  const open = { keyRequired: false, matches }
  const closed = { keyRequired: true, matches }

  it('come as x-api-key or Bearer; an empty Authorization is none', () => {
    expect(presentedKey({ 'x-api-key': 'a' })).toBe('a')
    expect(presentedKey({ authorization: 'bearer a' })).toBe('a')
    expect(presentedKey({ authorization: '' })).toBeNull()
    expect(presentedKey({ authorization: '', 'x-api-key': 'a' })).toBe('a')
    expect(() => presentedKey({ authorization: 'Basic abc' })).toThrow(/Bearer/)
  })
  it('are needed by foreign pages, and by all where LIMN_API_KEY is set', () => {
    expect(() => authorise({ host }, open)).not.toThrow()
    expect(() => authorise({ host, origin: 'null' }, open)).toThrow(/need a key/)
    expect(() => authorise({ host, origin: 'null', 'x-api-key': 'limn_right' }, open)).not.toThrow()
    expect(() => authorise({ host }, closed)).toThrow(/needs a key/)
    expect(() => authorise({ host, authorization: 'Bearer limn_right' }, closed)).not.toThrow()
  })
  it('that are wrong are refused even where none is needed', () => {
    expect(() => authorise({ host, 'x-api-key': 'limn_wrong' }, open)).toThrow(/does not know/)
  })
})

describe('forged forms', () => {
  it.each([
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'text/plain',
    'TEXT/PLAIN',
    undefined,
  ])('of type %s need a header that a form cannot send', (type) => {
    expect(() => checkForgery('POST', { 'content-type': type })).toThrow(/x-limn-client/)
    expect(() => checkForgery('POST', { 'content-type': type, 'x-limn-client': '1' })).not.toThrow()
  })
  it('JSON is preflighted anyway', () =>
    expect(() => checkForgery('POST', { 'content-type': 'application/json' })).not.toThrow())
})
