import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readJsonObject } from '../../../workers/fs/read.ts'
import { StorageFull } from '../../../workers/fs/storage-full.ts'
import { withDraft, writeDurably } from '../../../workers/fs/write.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'limn-write-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('a file is written where its folder, and that of its drafts, are missing', async () => {
  const file = path.join(folder, 'files', 'ab', 'one')
  await writeDurably(file, Buffer.from('whole'), path.join(folder, 'drafts'))
  expect(readFileSync(file, 'utf8')).toBe('whole')
  expect(readdirSync(path.join(folder, 'drafts'))).toEqual([])
})

it.each(['ENOSPC', 'EDQUOT'])(
  'a write that ends with %s leaves no draft and names the disk',
  async (code) => {
    const file = path.join(folder, 'one')
    const writing = withDraft(file, async (draft) => {
      writeFileSync(draft, 'half')
      throw Object.assign(new Error(code), { code })
    })
    const error: StorageFull = await writing.then(
      () => expect.unreachable(),
      (reason) => reason,
    )
    expect(error).toBeInstanceOf(StorageFull)
    expect(error.message).toContain(`The disk of ${folder} is full: nothing was stored. Make room`)
    expect(error.outward).not.toContain(folder)
    expect(readdirSync(folder)).toEqual([])
  },
)

it.each(['', '{"a":', 'null', '[1]', '"text"', '\u0000'])(
  'a JSON file of %j counts as an empty object',
  async (text) => {
    const file = path.join(folder, 'cache.json')
    writeFileSync(file, text)
    expect(await readJsonObject(file)).toEqual({})
    rmSync(file)
    expect(existsSync(file)).toBe(false)
    expect(await readJsonObject(file)).toEqual({})
  },
)
