import { randomBytes } from 'node:crypto'

/** Crockford's base 32 in lower case: its characters sort by value. */
const digits = '0123456789abcdefghjkmnpqrstvwxyz'

let lastTime = 0
let lastRandom = 0n

/**
 * `asset_` and a ULID: 48 bits of milliseconds, 80 random bits. Ids of one process grow strictly, also within a
 * millisecond and when the clock is set back, so their order is that of creation.
 */
export const newAssetId = (now = Date.now()): string => `asset_${ulid(now)}`
/** `run_` and a ULID. */
export const newRunId = (now = Date.now()): string => `run_${ulid(now)}`

function ulid(now: number): string {
  if (now > lastTime) {
    lastTime = now
    // The highest bit stays free for counting up within the millisecond.
    lastRandom = BigInt(`0x${randomBytes(10).toString('hex')}`) & ((1n << 79n) - 1n)
  } else lastRandom += 1n
  return `${encode(BigInt(lastTime), 10)}${encode(lastRandom, 16)}`
}

function encode(value: bigint, length: number): string {
  let text = ''
  for (let rest = value, i = 0; i < length; i++, rest >>= 5n) text = digits[Number(rest & 31n)] + text
  return text
}
