import { describe, expect, it } from 'vitest'
import { JsonShape, parseJson } from '../../../api/http/body/json.ts'
import { limits } from '../../../workers/limits.ts'

const push = (text: string, sliceBytes = 1e9) => {
  const bytes = Buffer.from(text)
  const shape = new JsonShape()
  for (let at = 0; at < bytes.length; at += sliceBytes) shape.push(bytes.subarray(at, at + sliceBytes))
}

describe('JSON of a request', () => {
  it.each([1, 2, 3, 7, 1000])(
    'brackets and commas inside of texts do not count, in slices of %i bytes',
    (size) => {
      const text = JSON.stringify({ a: '[[{,"\\'.repeat(3000), 'b\\"[': ['\\\\', '\\"', '"', ''] })
      expect(() => push(text, size)).not.toThrow()
      const deep = `{"a":"\\\\","b":${'['.repeat(limits.valueDepth + 2)}`
      expect(() => push(deep, size)).toThrow(/levels/)
    },
  )

  it('values, levels and bytes outside of texts are bounded', () => {
    expect(() => push(`[${'1,'.repeat(limits.values - 3)}1]`)).not.toThrow()
    expect(() => push(`[${'1,'.repeat(limits.values)}1]`)).toThrow(/values/)
    expect(() => push('['.repeat(limits.valueDepth + 3))).toThrow(/levels/)
    expect(() => push('9'.repeat(limits.plainBytes + 1))).toThrow(/bytes outside/)
  })

  it('JSON of several slices is parsed as one', async () => {
    const given = { a: 'é"\\'.repeat(400_000), b: [1, null, { c: true }] }
    expect(await parseJson(Buffer.from(JSON.stringify(given)))).toEqual(given)
    await expect(parseJson(Buffer.from('{"a"'))).rejects.toThrow(SyntaxError)
  })
})
