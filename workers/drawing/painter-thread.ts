/** Body of a run's thread: the generator's graphs, the views of its image, the optimiser. */

import { workerData } from 'node:worker_threads'
import sharp from 'sharp'
import { serveTasks } from '../runtime/session/tasks.ts'
import { Painter } from './painter.ts'
import type { PainterOptions } from './painter-client.ts'

sharp.concurrency(1)
sharp.cache(false)

const { request, spec, limits, state } = workerData as PainterOptions

await serveTasks(async () => {
  const painter = await Painter.open(request, spec, limits)
  if (state) painter.restore(state)
  return { ready: { step: painter.step }, tasks: painter }
})
