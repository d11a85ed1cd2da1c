import type { SessionInput } from '../encode/encoder-session.ts'
import type { EncodeSession } from '../encode/tower-session.ts'

/**
 * Median seconds of each session on the same input. The sessions run in turns, so that a busy moment meets all; the
 * first round, which compiles kernels, does not count.
 */
export async function benchmark(
  sessions: readonly EncodeSession[],
  input: SessionInput,
  rounds = 9,
): Promise<number[]> {
  const times: number[][] = sessions.map(() => [])
  for (let round = 0; round <= rounds; round++)
    for (const [i, session] of sessions.entries()) {
      const { seconds } = await session.run(input)
      if (round > 0) times[i]!.push(seconds)
    }
  return times.map((seconds) => seconds.sort((a, b) => a - b)[seconds.length >> 1]!)
}
