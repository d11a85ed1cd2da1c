import { expect, it } from 'vitest'
import { checkLoopbackHost } from '../../../api/access/loopback-host.ts'

it.each([
  'localhost',
  'localhost:4000',
  '127.0.0.1:1',
  '127.1.2.3',
  '[::1]:4000',
  'limn.localhost:4000',
  'LOCALHOST',
])('a server without a key answers to the Host %s', (name) =>
  expect(() => checkLoopbackHost(name)).not.toThrow(),
)

it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:4000', '10.0.0.1', '', undefined])(
  'a server without a key does not answer to the Host %s',
  (name) => expect(() => checkLoopbackHost(name)).toThrow(/loopback/),
)
