import { expect, test } from 'vitest'
import { sessionThreads } from '../../../workers/encode/tower-session.ts'
import type { ModelSpec, Variant } from '../../../workers/registry/spec.ts'

const model = (...variants: Partial<Variant>[]) => ({ variants }) as unknown as ModelSpec
const both = { provider: 'cpu', name: 'int8', towers: ['vision', 'text'] } as const

test.each([
  ['fp32 images', model(), 'vision', 'cpu', 8, [8]],
  ['fp32 texts', model(), 'text', 'cpu', 8, [4, 4]],
  ['images in 8 bits', model(both), 'vision', 'cpu', 8, [4, 4]],
  ['images in 8 bits with an odd number of threads', model(both), 'vision', 'cpu', 3, [1, 2]],
  ['images in 8 bits on one core', model(both), 'vision', 'cpu', 1, [1]],
  ['fp32 images beside texts in 8 bits', model({ ...both, towers: ['text'] }), 'vision', 'cpu', 8, [8]],
  ['images in fp16 on a GPU', model({ ...both, provider: 'cuda', name: 'fp16' }), 'vision', 'cuda', 8, [8]],
] as const)('%s have sessions with the right threads', (_, spec, tower, provider, threads, expected) => {
  expect(sessionThreads(spec, tower, { provider, threads })).toEqual(expected)
})
