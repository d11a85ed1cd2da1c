/** The version of derived files: a digest of the code that writes them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readSources, sourceDigest } from '../../../workers/autodiff/version.ts'
import { derivationVersion } from '../../../workers/guidance/derive-gradient.ts'

const root = mkdtempSync(path.join(tmpdir(), 'limn-version-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('the version of derived files', () => {
  it('the digest of the same sources is the same in any order', () => {
    const sources = new Map([
      ['autodiff/rules/reduce', 'a'],
      ['onnx/writer', 'b'],
    ])
    expect(sourceDigest(sources)).toMatch(/^[0-9a-f]{12}$/)
    expect(sourceDigest(new Map([...sources].reverse()))).toBe(sourceDigest(sources))
  })

  it('the digest changes with the text of a rule file', () => {
    const sources = readSources(path.resolve('workers'), ['autodiff', 'onnx'])
    const text = sources.get('autodiff/rules/elementwise')!
    const changed = text.replace('o.mul(o.dy, o.y)', 'o.mul(o.y, o.dy)')
    expect(changed).not.toBe(text)
    const other = new Map(sources).set('autodiff/rules/elementwise', changed)
    expect(sourceDigest(other)).not.toBe(sourceDigest(sources))
  })

  it('the digest changes when a file is added or renamed', () => {
    const one = new Map([['a', '1']])
    expect(sourceDigest(new Map([['b', '1']]))).not.toBe(sourceDigest(one))
    expect(sourceDigest(new Map([...one, ['b', '']]))).not.toBe(sourceDigest(one))
  })

  it('sources are found as TypeScript or JavaScript, in folders or by name', () => {
    mkdirSync(path.join(root, 'rules/deep'), { recursive: true })
    writeFileSync(path.join(root, 'rules/one.ts'), '1')
    writeFileSync(path.join(root, 'rules/deep/two.js'), '2')
    writeFileSync(path.join(root, 'rules/three.md'), '3')
    writeFileSync(path.join(root, 'loss.js'), '4')
    writeFileSync(path.join(root, 'other.ts'), '5')
    const sources = readSources(root, ['rules', 'loss'])
    expect(Object.fromEntries(sources)).toEqual({ 'rules/one': '1', 'rules/deep/two': '2', loss: '4' })
  })

  it('a source that is missing is an error, so that no version stands for unknown code', () => {
    expect(() => readSources(root, ['gone'])).toThrow('This is a bug.')
  })

  it('the version of this code is stable', () => {
    expect(derivationVersion()).toMatch(/^[0-9a-f]{12}$/)
    expect(derivationVersion()).toBe(derivationVersion())
  })
})
