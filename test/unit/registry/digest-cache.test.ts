import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { DigestCache } from '../../../workers/registry/revision.ts'

it('a damaged cache of digests changes no digest', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-digests-'))
  const file = path.join(folder, 'model.onnx')
  const cache = path.join(folder, 'digests.json')
  writeFileSync(file, 'weights')
  const digest = createHash('sha256').update('weights').digest('hex')
  expect(await new DigestCache(folder).digest(file)).toBe(digest)
  const whole = readFileSync(cache, 'utf8')
  for (const garbage of [
    '',
    'null',
    '[]',
    whole.slice(0, -5),
    whole.replace(digest, 'x'),
    whole.replace(`"${digest}"`, '7'),
  ]) {
    writeFileSync(cache, garbage)
    expect(await new DigestCache(folder).digest(file)).toBe(digest)
    expect(readFileSync(cache, 'utf8')).toBe(whole)
  }
  rmSync(folder, { recursive: true })
})
