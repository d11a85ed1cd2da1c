import { afterEach, describe, expect, it, vi } from 'vitest'
import { samplesCommand } from '../../../api/cli/samples.ts'
import { whereOf } from '../../../api/cli/shared/filter-flags.ts'
import { tagCommand } from '../../../api/cli/tag.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('filter flags', () => {
  it('flags stand for fields of a filter, and none for no filter', () => {
    expect(whereOf({})).toBeNull()
    expect(
      whereOf({
        tagged: ['a', 'b'],
        'not-in': ['Brand'],
        untagged: true,
        'taken-after': '2024',
        where: '{"minWidth": 10}',
      }),
    ).toEqual({
      tagsAll: ['a', 'b'],
      collectionsNone: ['Brand'],
      untagged: true,
      takenAfter: '2024-01-01T00:00:00.000Z',
      and: [{ minWidth: 10 }],
    })
  })

  it.each([
    [tagCommand, ['--add', 'a'], /Say which images/],
    [tagCommand, ['asset_a'], /Say what to change/],
    [tagCommand, ['asset_a', '--untagged', '--add', 'a'], /either ids or a filter/],
    [tagCommand, ['--where', '[]', '--add', 'a'], /--where is no JSON object/],
    [tagCommand, ['--taken-after', 'spring', '--add', 'a'], /--taken-after is "spring"/],
    [tagCommand, ['--nonsense'], /--nonsense/],
    [samplesCommand, [], /limn samples add \| remove/],
    [samplesCommand, ['burn'], /limn samples add \| remove/],
  ])('%o of %j is refused with what to type', async (command, args, message) => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {})
    expect(await command(args)).toBe(2)
    expect(said.mock.calls.flat().join('\n')).toMatch(message)
  })
})
