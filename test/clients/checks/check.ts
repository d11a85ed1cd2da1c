/** Subjects of a client, run one after the other; a line for each. */
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { Limn } from './limn.ts'

/** Work that throws where the client does not get what it should. */
export type Check = (limn: Limn) => Promise<void>

/** Of one client, by what is tried. */
export interface Client {
  /** Why it cannot be tried on this machine. */
  missing?: string
  checks: Record<string, Check>
}

export interface Tally {
  passed: number
  failed: number
  skipped: number
}

export async function tryClient(
  name: string,
  { missing, checks }: Client,
  limn: Limn,
  tally: Tally,
): Promise<void> {
  const line = (word: string, subject: string, more: string) =>
    console.log(`${word.padEnd(8)}${name.padEnd(18)}${subject.padEnd(22)}${more}`)
  for (const [subject, check] of Object.entries(checks)) {
    if (missing !== undefined) {
      tally.skipped++
      line('skipped', subject, missing)
      continue
    }
    const begun = performance.now()
    try {
      await Promise.race([check(limn), tooLong()])
      tally.passed++
      line('ok', subject, `${((performance.now() - begun) / 1000).toFixed(1)} s`)
    } catch (error) {
      tally.failed++
      line('FAILED', subject, '')
      const lines = inspect(error, { depth: 3 }).split('\n')
      console.log(
        lines
          .filter((line) => !line.includes('node:internal'))
          .slice(0, 20)
          .join('\n'),
      )
    }
  }
}

/** A client that waits for ever fails; none needs more than a few seconds. */
async function tooLong(): Promise<never> {
  await sleep(120_000, undefined, { ref: false })
  throw new Error('no end within two minutes')
}
