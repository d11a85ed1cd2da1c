/** Batches on real threads, some of which die. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ItemError } from '../../../workers/errors.ts'
import { Batcher, type BatchItem } from '../../../workers/runtime/batcher.ts'
import { Session } from '../../../workers/runtime/session/session.ts'

interface Word extends BatchItem<number> {
  word: string
}

const thread = new URL('../../support/mortal-thread.ts', import.meta.url)

let loads: number
let canLoad: boolean
let batcher: Batcher<Word, string[], number[], number>
const load = () => {
  loads++
  if (!canLoad) return Promise.reject(new Error('no memory'))
  return Session.load<string[], number[], null>(thread, null)
}
beforeEach(async () => {
  loads = 0
  canLoad = true
  batcher = new Batcher([await load()], {
    load,
    maxBatch: 4,
    collate: (batch) => batch.map(({ word }) => word),
    split: (lengths) => lengths,
    onBatch() {},
    onFailure() {},
    onDequeue() {},
  })
})
afterEach(() => batcher.close())

/** Pushes the words at once, and gives what each is settled with. */
const settled = (words: readonly string[]): Promise<(number | Error)[]> =>
  Promise.all(
    words.map(
      (word) =>
        new Promise<number | Error>((settle) =>
          batcher.push({
            ...{ word, settle, bucket: '', priority: 'interactive' },
            since: performance.now(),
            hasWaiters: () => true,
          }),
        ),
    ),
  )

describe('threads that die', () => {
  it.each([0, 5, 19])(
    'an item that kills every thread is given up, and no other item of its batches is (place %i)',
    async (place) => {
      const words = Array.from({ length: 20 }, (_, n) => 'x'.repeat(n + 1))
      words[place] = 'poison'
      const results = await settled(words)
      expect(results[place]).toBeInstanceOf(ItemError)
      expect(results[place]).toMatchObject({
        code: 'INVALID',
        message: "The model's thread ended 3 times while it encoded this input, which was given up.",
      })
      expect(results.toSpliced(place, 1)).toEqual(words.toSpliced(place, 1).map(({ length }) => length))
      expect(loads).toBeLessThanOrEqual(4)
      expect(await settled(['later'])).toEqual([5])
    },
  )

  it('two items that kill threads are both found', async () => {
    const results = await settled(['a', 'poison', 'bb', 'ccc', 'dddd', 'poison', 'eeeee', 'f', 'g'])
    expect(results.map((one) => (one instanceof ItemError ? one.code : one))).toEqual([
      ...[1, 'INVALID', 2, 3, 4, 'INVALID', 5, 1, 1],
    ])
  })

  it('a session that does not start again is a fault of the server, and no item is blamed for it', async () => {
    canLoad = false
    const results = await settled(['a', 'poison', 'bb'])
    for (const result of results) {
      expect(result).not.toBeInstanceOf(ItemError)
      expect(result).toMatchObject({ message: 'the session does not start again: no memory' })
    }
    canLoad = true
    expect(await settled(['later'])).toEqual([5])
  })
})
