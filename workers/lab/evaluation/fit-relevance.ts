/**
 * Makes the bundled model's fit of relevance, from the sample library and from two sets that it was not trained on:
 * `npx node workers/lab/evaluation/fit-relevance.ts`. `npm run bench -- relevance` judges it by two others.
 */
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { LocalEncoder } from '../../encode/local-encoder.ts'
import type { Encode } from '../../encode/verification/references.ts'
import { bundledModel } from '../../registry/bundled.ts'
import { ModelRegistry } from '../../registry/registry.ts'
import { fitRelevance } from '../../relevance/fit.ts'
import { readSampleLibrary } from '../../relevance/sample-library.ts'
import { fitFile } from '../../relevance/store.ts'
import { type Trial, trialsOf } from '../../relevance/trials.ts'
import { emoji, galleryOf, phosphor } from './named-sets.ts'

const folder = path.resolve(import.meta.dirname, '../../models')
const cacheFolder = path.join(os.tmpdir(), 'limn-lab')
const registry = new ModelRegistry({
  bundledFolder: folder,
  homeFolder: path.join(cacheFolder, 'none'),
  cacheFolder,
  defaultModel: bundledModel,
})
const encoder = new LocalEncoder({ registry, cacheFolder, provider: 'cpu' })
const encode: Encode = (inputs) => encoder.encode(inputs, { priority: 'bulk', deadlineMs: 600_000 })
const { revision, dimensions } = await registry.get()
const samples = await readSampleLibrary(encode)
const galleries = [
  samples.gallery,
  await galleryOf(await phosphor(), encode),
  await galleryOf(emoji('fluent-emoji-flat'), encode),
]
const trials: Trial[] = []
let first = 0
for (const gallery of galleries) {
  for (const trial of await trialsOf(gallery, samples.backdrop))
    trials.push({ ...trial, prompt: first + trial.prompt })
  first += gallery.prompts.length
}
const fit = await fitRelevance({
  ...{ revision, dimensions, trials },
  backdrop: samples.backdrop,
  pairs: samples.pairs,
  madeFrom: `the sample library, Phosphor and fluent-emoji-flat: ${first} names`,
})
if ('refused' in fit) throw new Error(fit.refused)
const round = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
writeFileSync(path.join(folder, bundledModel, fitFile), `${JSON.stringify(fit, round, 1)}\n`)
console.log(fit.madeFrom, fit.measured, fit.noMatchBelow)
await encoder.close()
