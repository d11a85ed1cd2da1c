import { expect, it } from 'vitest'
import { accepts, encodingFor, jsonType } from '../../../api/http/negotiate.ts'

it.each([
  [undefined, 'application/json'],
  ['*/*', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
  [
    'application/graphql-response+json;charset=utf-8, application/json;q=0.9',
    'application/graphql-response+json',
  ],
  ['application/json, application/graphql-response+json;q=0.9', 'application/json'],
  ['application/json, application/graphql-response+json', 'application/json'],
  ['application/graphql-response+json;q=0', 'application/json'],
] as const)('a refusal for Accept: %s is %s', (accept, type) => expect(jsonType(accept)).toBe(type))

it('an Accept header allows what it names or spans, but not with a weight of 0', () => {
  expect(accepts(null, ['application/json'])).toBe(true)
  expect(accepts('application/*;q=0.1', ['application/json'])).toBe(true)
  expect(accepts('application/json;q=0, text/html', ['application/json'])).toBe(false)
})

it.each([
  [undefined, null],
  ['gzip, deflate, br', 'gzip'],
  ['br;q=1.0, gzip;q=0.8', 'br'],
  ['*;q=0.5', 'gzip'],
  ['gzip;q=0, *', 'br'],
  ['identity', null],
] as const)('an answer for Accept-Encoding: %s comes as %s', (accepted, encoding) =>
  expect(encodingFor(accepted)).toBe(encoding),
)
