import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Encoded, Modality } from '../../workers/encode/encoder.ts'
import { LocalEncoder, type LocalEncoderOptions } from '../../workers/encode/local-encoder.ts'
import { ItemError } from '../../workers/errors.ts'
import { ModelRegistry } from '../../workers/registry/registry.ts'
import { type TinyModel, writeTinyModel } from './tiny-model.ts'

/** The encoder of one test, with a home of its own, which goes when it is closed. */
export class TestEncoder extends LocalEncoder {
  readonly #home: string
  /** The sizes of the batches so far. */
  readonly batches: { model: string; modality: Modality; size: number }[]

  constructor(home: string, batches: TestEncoder['batches'], options: LocalEncoderOptions) {
    super(options)
    this.#home = home
    this.batches = batches
  }

  override async close(): Promise<void> {
    await super.close()
    rmSync(this.#home, { recursive: true, force: true })
  }
}

export type TestEncoderOptions = Partial<LocalEncoderOptions> & {
  defaultModel?: string
  /** Made for this encoder, beside the bundled model. */
  models?: Record<string, TinyModel>
  modelsRoot?: string
  /** Called with the models' folder before the registry reads it. */
  onHome?(modelsRoot: string): void
}

export async function openEncoder(options: TestEncoderOptions = {}): Promise<TestEncoder> {
  const { defaultModel = 'limn-icons', models = {}, onHome, ...more } = options
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-encoder-'))
  const modelsRoot = options.modelsRoot ?? path.join(home, 'models')
  for (const [name, model] of Object.entries(models)) writeTinyModel(modelsRoot, name, model)
  onHome?.(modelsRoot)
  const cacheFolder = path.join(home, 'cache')
  const registry = new ModelRegistry({
    bundledFolder: path.resolve('workers/models'),
    homeFolder: modelsRoot,
    cacheFolder,
    defaultModel,
  })
  const batches: TestEncoder['batches'] = []
  return new TestEncoder(home, batches, {
    registry,
    cacheFolder,
    provider: 'cpu',
    onBatch: (model, modality, size) => batches.push({ model, modality, size }),
    ...more,
  })
}

/** The vectors of results that must all be there. */
export const vectors = (results: (Encoded | ItemError)[]): Float32Array[] =>
  results.map((result) => {
    if (result instanceof ItemError) throw result
    return result.vector
  })
