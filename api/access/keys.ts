import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Caller } from '../../schema/core/caller.ts'
import type { Config } from '../config.ts'

type KeySettings = Partial<Pick<Config, 'apiKey'>> & Pick<Config, 'home'>

const keyFile = (home: string) => path.join(home, 'key')

/** The server's one key, null where a server has yet to make it. */
export function readKey({ apiKey, home }: KeySettings): string | null {
  if (apiKey) return apiKey
  const file = keyFile(home)
  if (!existsSync(file)) return null
  const key = readFileSync(file, 'utf8').trim()
  if (key.length < 16) throw new Error(`${file} holds no key. Remove it and start again: a new one is made.`)
  return key
}

/** The server's one key: LIMN_API_KEY, else the one made at first start, kept in LIMN_HOME/key for its owner alone. */
export function serverKey({ apiKey, home }: KeySettings): string {
  if (apiKey) return apiKey
  const file = keyFile(home)
  mkdirSync(home, { recursive: true })
  try {
    // `wx`: of two that start at once, one makes the key and the other reads it.
    writeFileSync(file, `limn_${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    chmodSync(file, 0o600)
  }
  return readKey({ home })!
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** The caller of the one key. Compares in a time that says nothing about where the first difference is. */
export function singleKey(key: string, caller: Caller): (given: string) => Caller | null {
  const expected = digest(key)
  return (given) => (timingSafeEqual(digest(given), expected) ? caller : null)
}
