import { expect, it } from 'vitest'
import { withRetries } from '../../../workers/runtime/retry.ts'

const away = new Error('away')
const isTransient = (error: unknown) => error === away
const idle = new AbortController().signal

it('a call is repeated through failures that pass, with growing pauses', async () => {
  const pauses: number[] = []
  let calls = 0
  const call = async () => {
    if (++calls < 3) throw away
    return calls
  }
  const result = await withRetries(call, { signal: idle, isTransient, onPause: (_, ms) => pauses.push(ms) })
  expect(result).toBe(3)
  expect(pauses).toEqual([250, 500])
})

it('a failure that does not pass is thrown at once', async () => {
  let calls = 0
  const call = async () => {
    calls++
    throw new Error('a bug')
  }
  await expect(withRetries(call, { signal: idle, isTransient })).rejects.toThrow('a bug')
  expect(calls).toBe(1)
})

it('a signal ends the pauses with the last error', async () => {
  const ending = new AbortController()
  const call = async () => {
    throw away
  }
  const onPause = () => ending.abort()
  await expect(withRetries(call, { signal: ending.signal, isTransient, onPause })).rejects.toBe(away)
})
