import { expect, it } from 'vitest'
import { LatestEvents } from '../../../workers/drawing/runs/events.ts'

const never = new AbortController().signal

it('a slow subscriber gets the newest value and misses those before it', async () => {
  const events = new LatestEvents<number>()
  using subscription = events.subscribe('a')
  for (const value of [1, 2, 3]) events.publish('a', value)
  await subscription.wait(never)
  expect(subscription.take()).toBe(3)
  expect(subscription.take()).toBeNull()
})

it('a value that is published before the wait begins is not waited for', async () => {
  const events = new LatestEvents<number>()
  using subscription = events.subscribe('a')
  events.publish('a', 1)
  await subscription.wait(never)
  expect(subscription.take()).toBe(1)
})

it('a subscriber hears of its own topic alone, until it is disposed of', async () => {
  const events = new LatestEvents<number>()
  const subscription = events.subscribe('a')
  events.publish('b', 1)
  expect(subscription.take()).toBeNull()
  subscription[Symbol.dispose]()
  events.publish('a', 2)
  expect(subscription.take()).toBeNull()
})

it('a wait ends without a value when the topic is woken, the signal fires or the time is over', async () => {
  const events = new LatestEvents<number>()
  using subscription = events.subscribe('a')
  const gone = new AbortController()
  const woken = subscription.wait(never)
  events.wakeAll()
  await woken
  const left = subscription.wait(gone.signal)
  gone.abort()
  await left
  await subscription.wait(gone.signal)
  await subscription.wait(never, 1)
  expect(subscription.take()).toBeNull()
})
