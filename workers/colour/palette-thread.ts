/** Body of the thread that makes palettes. */
import { workerData } from 'node:worker_threads'
import sharp from 'sharp'
import { displayPixels } from '../images/display.ts'
import type { ImageLimits } from '../images/open.ts'
import { Semaphore } from '../runtime/semaphore.ts'
import { serveTasks } from '../runtime/session/tasks.ts'
import { paletteEdge, paletteOf } from './palette.ts'
import type { PaletteTasks } from './palettes.ts'

/** Images at once: one is decoded while another is counted. */
const atOnce = 2

sharp.concurrency(1)
sharp.cache(false)

const limits = workerData as ImageLimits
const turn = new Semaphore(atOnce)

await serveTasks<PaletteTasks, null>(async () => ({
  ready: null,
  tasks: {
    palette: (bytes) => turn.run(async () => paletteOf(await displayPixels(bytes, paletteEdge, limits))),
  },
}))
