import { expect, test } from 'vitest'
import { sessionsOf } from '../../../workers/encode/loaded-model.ts'
import type { ModelSpec, Variant } from '../../../workers/registry/spec.ts'

const model = (...variants: Partial<Variant>[]) => ({ variants }) as unknown as ModelSpec
const both = { provider: 'cpu', name: 'int8', sides: ['vision', 'text'] } as const

test.each([
  ['fp32 pictures', model(), 'vision', 'cpu', 8, [8]],
  ['fp32 texts', model(), 'text', 'cpu', 8, [4, 4]],
  ['pictures in 8 bits', model(both), 'vision', 'cpu', 8, [4, 4]],
  ['of an odd number', model(both), 'vision', 'cpu', 3, [1, 2]],
  ['on one core', model(both), 'vision', 'cpu', 1, [1]],
  ['fp32 pictures beside texts in 8 bits', model({ ...both, sides: ['text'] }), 'vision', 'cpu', 8, [8]],
  ['on a GPU', model({ ...both, provider: 'cuda', name: 'fp16' }), 'vision', 'cuda', 8, [8]],
] as const)('threads of the sessions: %s', (_, spec, side, provider, threads, expected) => {
  expect(sessionsOf(spec, side, { provider, threads })).toEqual(expected)
})
