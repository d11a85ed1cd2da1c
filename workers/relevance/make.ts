/** Makes a model's fit from the sample library. */
import type { Encode } from '../encode/verification/references.ts'
import type { ModelCard } from '../registry/card.ts'
import { type Fit, fitRelevance, type Refusal } from './fit.ts'
import { readSampleLibrary } from './sample-library.ts'
import { trialsOf } from './trials.ts'

/**
 * Encodes some 1,400 inputs and takes a few seconds of computing beside, in slices.
 * @param encode of this model, as it serves
 */
export async function makeFit(
  { revision, dimensions }: Pick<ModelCard, 'revision' | 'dimensions'>,
  encode: Encode,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Fit | Refusal> {
  const { backdrop, gallery, pairs } = await readSampleLibrary(encode, onProgress)
  const trials = await trialsOf(gallery, backdrop)
  const madeFrom = `${gallery.images.length} images and ${gallery.prompts.length} names of the sample library`
  return fitRelevance({ revision, dimensions, madeFrom, backdrop, trials, pairs })
}
