import { inflateSync } from 'node:zlib'
import type { Fields } from './fields.ts'
import { decodeText } from './text-bytes.ts'

/** A file may have any number of chunks, and a few bytes may be megabytes of text. */
const maxTexts = 256
const maxTextBytes = 2 ** 18
const xmpKeyword = 'XML:com.adobe.xmp'

/** Title, description and keywords in the text chunks of a PNG, and its XMP packet. */
export function readPng(bytes: Uint8Array): Fields & { xmp: Uint8Array | undefined } {
  const texts = new Map<string, Uint8Array>()
  for (const [type, data] of textChunks(bytes)) {
    const end = data.indexOf(0)
    const keyword = end < 0 ? '' : data.toString('latin1', 0, end)
    const value = keyword === '' ? null : textOf(type, data.subarray(end + 1))
    if (!value || texts.has(keyword)) continue
    texts.set(keyword, value)
  }
  const text = (keyword: string) => {
    const value = texts.get(keyword)
    return value && decodeText(value)
  }
  return {
    title: text('Title'),
    description: text('Description'),
    keywords: text('Keywords')?.split(/[,;]/),
    xmp: texts.get(xmpKeyword),
  }
}

function* textChunks(bytes: Uint8Array): Generator<[string, Buffer]> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let texts = 0
  for (let at = 8; at + 12 <= file.length && texts < maxTexts; ) {
    const size = file.readUInt32BE(at)
    const type = file.toString('latin1', at + 4, at + 8)
    if (type === 'IEND') return
    if (type === 'tEXt' || type === 'zTXt' || type === 'iTXt') {
      texts++
      yield [type, file.subarray(at + 8, at + 8 + size)]
    }
    at += 12 + size
  }
}

/** What follows the keyword; null for compressed text that does not expand, or expands too far. */
function textOf(type: string, data: Buffer): Uint8Array | null {
  if (type === 'tEXt') return data
  if (type === 'zTXt') return expand(data.subarray(1))
  const language = data.indexOf(0, 2)
  const translated = language < 0 ? -1 : data.indexOf(0, language + 1)
  if (translated < 0) return null
  const text = data.subarray(translated + 1)
  return data[0] === 1 ? expand(text) : text
}

function expand(data: Buffer): Buffer | null {
  try {
    return inflateSync(data, { maxOutputLength: maxTextBytes })
  } catch {
    return null
  }
}
