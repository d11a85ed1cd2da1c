import { describe, expect, it } from 'vitest'
import { Access, isForeign, ownerCaller, presentedKey } from '../../../api/access/auth.ts'
import { singleKey } from '../../../api/access/keys.ts'
import { scopes } from '../../../schema/core/caller.ts'

const host = '127.0.0.1:4000'

describe('pages', () => {
  it('a page is foreign when its origin is another, null included', () => {
    expect(isForeign({ host, origin: 'null' })).toBe(true)
    expect(isForeign({ host, origin: 'http://localhost:4000' })).toBe(true)
    expect(isForeign({ host, origin: 'http://127.0.0.1:5173' })).toBe(true)
    expect(isForeign({ host, origin: `http://${host}` })).toBe(false)
  })

  it('Sec-Fetch-Site tells whether a page is foreign when it sends no Origin', () => {
    expect(isForeign({ host, 'sec-fetch-site': 'cross-site' })).toBe(true)
    expect(isForeign({ host, 'sec-fetch-site': 'none' })).toBe(false)
    expect(isForeign({ host })).toBe(false)
  })
})

describe('callers', () => {
  const callerOf = singleKey('limn_right', ownerCaller)
  const open = new Access({ keyRequired: false, callerOf })
  const closed = new Access({ keyRequired: true, callerOf })

  it('a key comes as x-api-key or Bearer, and an empty Authorization is no key', () => {
    expect(presentedKey({ 'x-api-key': 'a' })).toBe('a')
    expect(presentedKey({ authorization: 'bearer a' })).toBe('a')
    expect(presentedKey({ authorization: '' })).toBeNull()
    expect(presentedKey({ authorization: '', 'x-api-key': 'a' })).toBe('a')
    expect(() => presentedKey({ authorization: 'Basic abc' })).toThrow(/Bearer/)
  })

  it('foreign pages need a key, and with LIMN_API_KEY everybody does', () => {
    expect(open.authenticate({ host }).id).toBe('local')
    expect(() => open.authenticate({ host, origin: 'null' })).toThrow(/need a key/)
    expect(open.authenticate({ host, origin: 'null', 'x-api-key': 'limn_right' }).id).toBe('owner')
    expect(() => closed.authenticate({ host })).toThrow(/needs a key/)
    expect(closed.authenticate({ host, authorization: 'Bearer limn_right' }).id).toBe('owner')
  })

  it('a wrong key is refused even where none is needed', () => {
    expect(() => open.authenticate({ host, 'x-api-key': 'limn_wrong' })).toThrow(/does not know/)
  })

  it('local callers and the holder of the one key may do everything', () => {
    const everything = { scopes, tenant: null, collection: null, share: 1 }
    expect(open.authenticate({ host })).toMatchObject(everything)
    expect(open.authenticate({ host, 'x-api-key': 'limn_right' })).toMatchObject(everything)
  })
})
