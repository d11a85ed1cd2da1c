import { describe, expect, it } from 'vitest'
import { checkForgery } from '../../../api/access/csrf.ts'

describe('forgery', () => {
  it.each([
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'text/plain',
    'TEXT/PLAIN',
    undefined,
  ])('a body of type %s needs a header that a form cannot send', (type) => {
    expect(() => checkForgery('POST', { 'content-type': type })).toThrow(/x-limn-client/)
    expect(() => checkForgery('POST', { 'content-type': type, 'x-limn-client': '1' })).not.toThrow()
  })

  it.each([
    'x-apollo-operation-name',
    'apollo-require-preflight',
    'graphql-preflight',
    'x-graphql-yoga-csrf',
  ])('the header %s, which other servers ask for, counts too', (name) =>
    expect(() => checkForgery('POST', { 'content-type': 'text/plain', [name]: '1' })).not.toThrow(),
  )

  it('a JSON body needs none, as browsers send a preflight before it', () =>
    expect(() => checkForgery('POST', { 'content-type': 'application/json' })).not.toThrow())
})
