import { expect, test } from 'vitest'
import { charsmapStep } from '../../../../workers/encode/tokenizer/charsmap.ts'

/**
 * A character map as SentencePiece compiles one, for entries of one character or more: each node of the trie has a block
 * of 256 units of its own, so that the label of a byte says where in the block its unit is.
 */
function compile(entries: Record<string, string>): string {
  const blocks: Map<number, number | null>[] = [new Map()]
  const leaves: (number | null)[] = [null]
  let replacements = ''
  for (const [key, value] of Object.entries(entries)) {
    let node = 0
    for (const byte of Buffer.from(key)) {
      let next = blocks[node]!.get(byte)
      if (next === undefined || next === null) {
        next = blocks.push(new Map()) - 1
        leaves.push(null)
        blocks[node]!.set(byte, next)
      }
      node = next
    }
    leaves[node] = Buffer.byteLength(replacements)
    replacements += `${value}\0`
  }
  // Block 0 holds the root alone, and the children of node n lie in block n + 1.
  const units = new Uint32Array(256 * (blocks.length + 1))
  const unit = (at: number, node: number, label: number) => {
    const offset = at ^ (256 * (node + 1))
    units[at] = (offset << 10) | (leaves[node] === null ? 0 : 0x100) | label
  }
  unit(0, 0, 0)
  for (const [node, children] of blocks.entries()) {
    const base = 256 * (node + 1)
    if (leaves[node] !== null) units[base] = (0x80000000 | leaves[node]!) >>> 0
    for (const [byte, child] of children) unit(base ^ byte, child!, byte)
  }
  const size = Buffer.alloc(4)
  size.writeUInt32LE(units.byteLength)
  return Buffer.concat([size, Buffer.from(units.buffer), Buffer.from(replacements)]).toString('base64')
}

const normalise = charsmapStep(
  compile({ A: 'a', ß: 'ss', '½': '1⁄2', が: 'GA', か: 'KA', '\u200b': '', '①': '1', 猫: 'ねこ' }),
)

test('a character map replaces the characters that it has and leaves all others', () => {
  expect(normalise('A straße')).toBe('a strasse')
  expect(normalise('½ ① 猫 犬')).toBe('1⁄2 1 ねこ 犬')
})

test('a character map may remove a character', () => {
  expect(normalise('a\u200bb')).toBe('ab')
})

test('a short grapheme is replaced as a whole, by the shortest entry that it begins with', () => {
  // Five bytes: the entry of the letter stands for the letter with its mark.
  expect(normalise('A\u0301\u0301')).toBe('a')
})

test('a long grapheme is replaced character by character', () => {
  expect(normalise('か\u3099')).toBe('KA\u3099')
})

test('a character map that is damaged is an error', () => {
  expect(() => charsmapStep('AAAA')).toThrow(/damaged/)
  expect(() => charsmapStep(Buffer.from([200, 0, 0, 0, 1, 2]).toString('base64'))).toThrow(/damaged/)
})
