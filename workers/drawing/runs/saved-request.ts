/** A run's request as JSON in the database; its start is a column of its own. */
import type { WeightedVector } from '../../similarity/weighted.ts'
import { generatorNamed } from '../generators/index.ts'
import type { DrawingRequest, RunRequest } from '../request.ts'
import type { NewRun } from './run-store.ts'

export interface SavedRequest {
  /** Name and revision of the model. */
  model: string
  revision: string
  request: DrawingRequest
  prompts: WeightedVector[]
}

interface RequestJson {
  model: string
  revision: string
  request: Omit<DrawingRequest, 'start'>
  /** Vectors as base64 of float32. */
  prompts: { vector: string; weight: number }[]
}

export function encodeRequest({ model, prompts, start, ...request }: RunRequest): NewRun {
  const json: RequestJson = {
    model: model.name,
    revision: model.revision,
    request,
    prompts: prompts.map(({ vector, weight }) => ({
      vector: Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64'),
      weight,
    })),
  }
  return { generator: request.generator, steps: request.steps, input: { ...json }, start }
}

/** @throws BadUserInput when this server does not have the generator */
export function decodeRequest({ generator, input, start }: NewRun): SavedRequest {
  const { model, revision, request, prompts } = input as unknown as RequestJson
  return {
    model,
    revision,
    request: { ...request, generator: generatorNamed(generator).name, start },
    prompts: prompts.map(({ vector, weight }) => ({
      vector: new Float32Array(new Uint8Array(Buffer.from(vector, 'base64')).buffer),
      weight,
    })),
  }
}
