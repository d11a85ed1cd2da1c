/** The fit of a model without any meaning; what is kept of fits, and for whom. */
import { createHash } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Encode } from '../../../workers/encode/verification/references.ts'
import { uniform } from '../../../workers/random.ts'
import { bundledModel } from '../../../workers/registry/bundled.ts'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import { Backdrop } from '../../../workers/relevance/backdrop.ts'
import { type Fit, fitRelevance, fitVersion, type Refusal } from '../../../workers/relevance/fit.ts'
import { makeFit } from '../../../workers/relevance/make.ts'
import { RelevanceFits } from '../../../workers/relevance/store.ts'
import type { Trial } from '../../../workers/relevance/trials.ts'
import { norm } from '../../../workers/similarity/vectors.ts'

const cacheFolder = path.join(tmpdir(), 'limn-relevance-cache')
const registry = new ModelRegistry({
  bundledFolder: path.resolve('workers/models'),
  homeFolder: path.join(cacheFolder, 'none'),
  cacheFolder,
  defaultModel: bundledModel,
})

/** Every input has a direction of its own, near to no other. */
const meaningless: Encode = async (inputs) =>
  inputs.map((input) => {
    const contentHash = createHash('sha256')
      .update('text' in input ? input.text : input.image)
      .digest('hex')
    const random = uniform(Number.parseInt(contentHash.slice(0, 8), 16))
    const vector = Float32Array.from({ length: 16 }, () => random() - 0.5)
    return { contentHash, vector: vector.map((value) => value / norm(vector)) }
  })

const subject = { revision: '0123456789abcdef', dimensions: 16 }

describe('a fit of relevance', () => {
  it('is refused, with the reason, to a model whose cosines mean nothing', async () => {
    const refusal = (await makeFit(subject, meaningless)) as Refusal
    expect(refusal.refused).toMatch(/own name from others: AUROC 0\.\d+ on a few images/)
  })

  it('is refused where searches with and without a match cannot be told apart', async () => {
    const random = uniform(8)
    const stance = { mean: 0, spread: 0.1, best: 0.2 }
    const trial = (prompt: number, found: 0 | 1): Trial => ({
      ...{ prompt, found, stance, weight: 1, kind: 'MEANING' },
      hits: [{ cosine: random(), words: null, exactName: false, fits: found }],
    })
    const trials = Array.from({ length: 600 }, (_, n) => trial(n >> 1, n % 2 ? 1 : 0))
    const made = await fitRelevance({
      ...{ ...subject, madeFrom: 'noise', trials, pairs: [] },
      backdrop: new Backdrop(Array.from({ length: 10 }, () => new Float32Array(16).fill(0.25))),
    })
    expect(made).toMatchObject({ refused: expect.stringMatching(/AUROC 0\.\d+ .* 0\.75 is needed/) })
  })
})

describe('where fits are kept', () => {
  const fits = () => new RelevanceFits(mkdtempSync(path.join(tmpdir(), 'limn-fits-')))

  it('the bundled model brings its own', async () => {
    const spec = await registry.get()
    const fit = (await fits().read(spec)) as Fit
    expect(fit.revision).toBe(spec.revision)
    expect(fit.madeFrom).toContain('Phosphor')
    expect(await fits().of({ ...spec, revision: subject.revision })).toBeNull()
  })

  it('a model without one, or with a refusal, has no judge; a fit that is kept is found at once', async () => {
    const place = fits()
    expect(await place.of(subject)).toBeNull()
    await place.keep({ version: fitVersion, revision: subject.revision, refused: 'no reason' })
    expect(await place.of(subject)).toBeNull()
    expect(await place.read(subject)).toMatchObject({ refused: 'no reason' })
    const bundled = (await place.read(await registry.get())) as Fit
    await place.keep({ ...bundled, revision: subject.revision })
    expect((await place.of(subject))!.fit.revision).toBe(subject.revision)
  })

  it('one of another version, or a damaged file, counts as none', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'limn-fits-'))
    const place = new RelevanceFits(folder)
    await place.keep({ version: fitVersion - 1, revision: subject.revision, refused: 'an older rule' })
    expect(await place.read(subject)).toBeNull()
    writeFileSync(path.join(folder, 'relevance', `${subject.revision}.json`), '{"version":1,"rev')
    expect(await place.read(subject)).toBeNull()
  })

  it('the backdrop keeps its cosines to the third digit in a byte a number', () => {
    const random = uniform(3)
    const vectors = Array.from({ length: 40 }, () => {
      const vector = Float32Array.from({ length: 64 }, () => random() - 0.5)
      return vector.map((value) => value / norm(vector))
    })
    const [before, after] = [new Backdrop(vectors), Backdrop.unpack(new Backdrop(vectors).pack(), 64)]
    for (const key of ['mean', 'spread', 'best'] as const)
      expect(after.stance(vectors[0]!)[key]).toBeCloseTo(before.stance(vectors[0]!)[key], 2)
    expect(() => Backdrop.unpack('AAAA', 64)).toThrow(RangeError)
  })
})
