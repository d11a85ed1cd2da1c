/** The bundled model in 8 bits: a request has the same answer alone and in a crowd. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SessionInput } from '../../../workers/encode/encoder-session.ts'
import { bundledModel } from '../../../workers/registry/bundled.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import { towers } from '../../../workers/registry/spec.ts'
import { calibrationSet } from '../../../workers/variants/calibration-set.ts'
import { prepare } from '../../../workers/variants/rewrite/prepare.ts'
import { writeTower } from '../../../workers/variants/rewrite/write-tower.ts'
import { towerInputs } from '../../../workers/variants/tower-inputs.ts'
import { openTower, vectorsOf } from '../../../workers/variants/tower-session.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'limn-invariance-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Each image, or each text padded to its own length, by itself. */
const alone = (input: SessionInput): SessionInput[] =>
  input.kind === 'pixels'
    ? input.pixels.map((pixels) => ({ kind: 'pixels', pixels: [pixels] }))
    : input.rows.map((row) => ({ kind: 'tokens', rows: [row], length: row.length }))

describe('the bundled model in 8 bits', () => {
  it.each(towers)('a vector of the %s tower does not depend on its batch or its padding', async (tower) => {
    const registry = new ModelRegistry({
      bundledFolder: path.resolve('workers/models'),
      homeFolder: folder,
      cacheFolder: folder,
      defaultModel: bundledModel,
      variant: 'fp32',
    })
    const spec = await registry.get()
    const file = path.join(folder, `${tower}.onnx`)
    await writeTower(await prepare(spec, tower, 'cpu'), 'int8', new Set(), file)
    const session = await openTower(spec, { kind: 'combined', model: file, precision: 'int8' }, tower, 'cpu')
    const inputs = await towerInputs(spec, tower, await calibrationSet(4, 8), true)
    const together = await vectorsOf(session, inputs)
    const single = await vectorsOf(session, inputs.flatMap(alone))
    await session.close()
    expect(together).toHaveLength(8)
    for (const [i, vector] of together.entries())
      expect(Math.max(...vector.map((v, k) => Math.abs(v - single[i]![k]!)))).toBeLessThan(1e-6)
  })
})
