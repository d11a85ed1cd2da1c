/** JSON of a request, bounded before it is parsed: ten bytes of it can become a kilobyte of memory. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { limits } from '../../../workers/limits.ts'
import { TooComplex } from '../../errors.ts'
import type { Body } from './read.ts'

/** Bytes that are looked at before others get their turn. */
const sliceBytes = 2 ** 18

/** One buffer of a body. */
export async function joined(body: Body): Promise<Buffer> {
  if (body.length === 1) return body[0]!
  const bytes = Buffer.allocUnsafe(body.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  let since = 0
  for (const chunk of body) {
    bytes.set(chunk, at)
    at += chunk.length
    since += chunk.length
    if (since < 32 * sliceBytes) continue
    since = 0
    await nextTurn()
  }
  return bytes
}

/**
 * @throws SyntaxError, and TooComplex for more values, levels or bytes outside of texts than the limits
 */
export async function parseJson(bytes: Buffer): Promise<unknown> {
  const shape = new JsonShape()
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    if (at > 0) await nextTurn()
    shape.push(bytes.subarray(at, at + sliceBytes))
  }
  if (bytes.length <= sliceBytes) return JSON.parse(bytes.toString('utf8'))
  await nextTurn()
  const text = bytes.toString('utf8')
  await nextTurn()
  return JSON.parse(text)
}

const quote = 0x22
const backslash = 0x5c

/** Counts what a JSON text holds as its bytes come. It does not check the text: the parser does. */
export class JsonShape {
  #values = 1
  #depth = 0
  #plain = 0
  #inText = false
  #escaped = false

  /** @throws TooComplex */
  push(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) at = this.#inText ? this.#skipText(bytes, at) : this.#skipPlain(bytes, at)
  }

  #skipPlain(bytes: Buffer, from: number): number {
    const quoteAt = bytes.indexOf(quote, from)
    const end = quoteAt < 0 ? bytes.length : quoteAt
    this.#plain += end - from
    if (this.#plain > limits.plainBytes) throw tooMuch('bytes outside of texts', limits.plainBytes)
    for (let at = from; at < end; at++) {
      const byte = bytes[at]!
      if (byte === 0x2c) this.#values++
      else if (byte === 0x5b || byte === 0x7b) {
        this.#values++
        this.#depth++
        // Of the request itself, its variables and its extensions.
        if (this.#depth > limits.valueDepth + 2) throw tooMuch('levels', limits.valueDepth)
      } else if (byte === 0x5d || byte === 0x7d) this.#depth--
    }
    if (this.#values > limits.values) throw tooMuch('values', limits.values)
    this.#inText = quoteAt >= 0
    return quoteAt < 0 ? end : end + 1
  }

  #skipText(bytes: Buffer, from: number): number {
    if (this.#escaped) {
      this.#escaped = false
      return from + 1
    }
    const quoteAt = bytes.indexOf(quote, from)
    const end = quoteAt < 0 ? bytes.length : quoteAt
    let escapes = 0
    while (end - 1 - escapes >= from && bytes[end - 1 - escapes] === backslash) escapes++
    const escaped = escapes % 2 === 1
    if (quoteAt < 0) {
      this.#escaped = escaped
      return end
    }
    this.#inText = escaped
    return end + 1
  }
}

const tooMuch = (what: string, limit: number) =>
  new TooComplex(`The JSON of the request has more than ${limit} ${what}. Split the request.`, { limit })
