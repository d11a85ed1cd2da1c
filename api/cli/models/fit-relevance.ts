/** A part of `limn models verify`: fits relevance for a model that has no fit yet. */
import path from 'node:path'
import { makeFit } from '../../../workers/relevance/make.ts'
import { RelevanceFits } from '../../../workers/relevance/store.ts'
import { openEncoder, openRegistry } from '../../app.ts'
import type { Config } from '../../config.ts'
import { progressOn } from '../shared/progress.ts'

/** For the files that a server would use. Says what came of it; a model is sound without a fit, too. */
export async function fitRelevanceOf(name: string, config: Config): Promise<void> {
  const registry = openRegistry({ ...config, model: name })
  const spec = await registry.get()
  const fits = new RelevanceFits(path.join(config.home, 'cache'))
  const known = await fits.read(spec)
  if (known) {
    if ('refused' in known) console.log(`  ${name} gets no relevance: ${known.refused}`)
    return
  }
  const encoder = openEncoder(registry, config)
  const progress = progressOn(process.stderr, `${name}: fitting relevance`, (amount) => amount.toFixed(0))
  try {
    const made = await makeFit(
      spec,
      (inputs) => encoder.encode(inputs, { priority: 'bulk', deadlineMs: 600_000 }),
      progress.update,
    )
    await fits.keep(made)
    progress.end()
    if ('refused' in made) console.log(`  ${name} gets no relevance: ${made.refused}`)
    else {
      const { auroc, calibrationError } = made.measured
      console.log(
        `  ${name}: relevance fitted, AUROC ${auroc.toFixed(3)}, calibration error ${calibrationError.toFixed(3)}`,
      )
    }
  } catch (error) {
    progress.end()
    console.log(`  ${name} gets no relevance for now: ${(error as Error).message}`)
  } finally {
    await encoder.close()
  }
}
