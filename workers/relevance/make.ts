/** Makes a model's fit from the sample library. */
import type { Encode } from '../encode/verification/references.ts'
import type { ModelCard } from '../registry/card.ts'
import { type Fit, fitRelevance, fitVersion, type Refusal } from './fit.ts'
import { probeSamples, readSampleLibrary } from './sample-library.ts'
import { trialsOf } from './trials.ts'

/** A model that means something reaches far more. */
const leastProbe = 0.65

/**
 * Encodes some 1,400 inputs and takes a few seconds of computing beside, in slices.
 * @param encode of this model, as it serves
 */
export async function makeFit(
  { revision, dimensions }: Pick<ModelCard, 'revision' | 'dimensions'>,
  encode: Encode,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<Fit | Refusal> {
  const probe = await probeSamples(encode)
  if (!(probe >= leastProbe))
    return {
      ...{ version: fitVersion, revision },
      refused: `its cosines hardly tell an image's own name from others: AUROC ${probe.toFixed(3)} on a few images of the sample library, ${leastProbe} is needed`,
    }
  const { backdrop, gallery, pairs } = await readSampleLibrary(encode, onProgress)
  const trials = await trialsOf(gallery, backdrop)
  const madeFrom = `${gallery.images.length} images and ${gallery.prompts.length} names of the sample library`
  return fitRelevance({ revision, dimensions, madeFrom, backdrop, trials, pairs })
}
