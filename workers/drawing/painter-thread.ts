/** Body of a run's thread: the generator's graphs, the views of its image, the optimiser. */

import { workerData } from 'node:worker_threads'
import sharp from 'sharp'
import { GraphError, ItemError, type ItemErrorCode, RequestError } from '../errors.ts'
import type { ImageSpec } from '../images/image-spec.ts'
import type { ImageLimits } from '../images/open.ts'
import { hostSession } from '../runtime/session-host.ts'
import { type DrawingRequest, type Frame, Painter } from './painter.ts'

export interface PainterOptions {
  commission: DrawingRequest
  spec: ImageSpec
  limits: ImageLimits
  state: Uint8Array | null
}

export type PainterTask =
  | { task: 'views' }
  | { task: 'update'; rows: Float32Array }
  | { task: 'alternatives' }
  | { task: 'choose'; losses: readonly number[] }
  | { task: 'frame' }
  | { task: 'save' }

export interface PainterResult {
  views?: Float32Array | null
  frame?: Frame
  state?: Uint8Array
}

/** The step that the run is at, or why it cannot be begun. */
export type PainterReady = { step: number } | { refused: { code: ItemErrorCode; message: string } }

sharp.concurrency(1)
sharp.cache(false)

const { commission, spec, limits, state } = workerData as PainterOptions

async function open(): Promise<Painter | ItemError> {
  try {
    return await Painter.open(commission, spec, limits)
  } catch (error) {
    if (error instanceof ItemError) return error
    if (error instanceof RequestError || error instanceof GraphError)
      return new ItemError('INVALID', error.message)
    throw error
  }
}

await hostSession<PainterTask, PainterResult, PainterReady>(async () => {
  const painter = await open()
  if (painter instanceof ItemError) {
    const { code, message } = painter
    return { ready: { refused: { code, message } }, run: () => Promise.reject(painter) }
  }
  if (state) painter.restore(state)
  const perform = async (asked: PainterTask): Promise<PainterResult> => {
    switch (asked.task) {
      case 'views':
        return { views: await painter.views() }
      case 'update':
        await painter.update(asked.rows)
        return {}
      case 'alternatives':
        return { views: await painter.alternatives() }
      case 'choose':
        painter.choose(asked.losses)
        return {}
      case 'frame':
        return { frame: await painter.frame() }
      case 'save':
        return { state: painter.save() }
    }
  }
  return {
    ready: { step: painter.step },
    run: async (asked) => ({ output: await perform(asked), transfer: [] }),
  }
})
