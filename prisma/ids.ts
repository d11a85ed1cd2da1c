import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
let lastTime = 0
let lastRandom = 0n

/**
 * `asset_` and a ULID (48 bits of time, 80 of chance, Crockford's base 32, lower case): ids sort by time of creation,
 * within one process strictly.
 */
export function newAssetId(): string {
  const now = Date.now()
  if (now > lastTime) {
    lastTime = now
    // One bit less than there is, so that counting up does not overflow.
    lastRandom = BigInt(`0x${randomBytes(10).toString('hex')}`) >> 1n
  } else lastRandom += 1n
  let value = (BigInt(lastTime) << 80n) | lastRandom
  let text = ''
  for (let i = 0; i < 26; i++) {
    text = alphabet[Number(value & 31n)] + text
    value >>= 5n
  }
  return `asset_${text}`
}
