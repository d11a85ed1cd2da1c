/** Sessions of one tower of a model: with how many threads, and in a thread of their own. */
import path from 'node:path'
import { ModelFolderError } from '../errors.ts'
import { type ModelSpec, type Tower, variantFor } from '../registry/spec.ts'
import { cores } from '../runtime/cores.ts'
import { sharedDeviceLock } from '../runtime/device-mutex.ts'
import type { Provider } from '../runtime/provider.ts'
import { Session } from '../runtime/session/session.ts'
import type { EncoderSessionOptions, SessionInput, SessionReady } from './encoder-session.ts'

export type EncodeSession = Session<SessionInput, Float32Array, SessionReady>

export interface TowerSessionOptions {
  provider: Provider
  /** All cores when absent. */
  threads?: number
}

/**
 * Threads of each session of a tower. Where the threads of one session would mostly wait for each other, two sessions
 * with half of the cores each do a third more: texts are so little work, and so are images with products in 8 bits. Both
 * sessions hold the weights, which are small for text towers and for 8 bits.
 */
export function sessionThreads(
  spec: ModelSpec,
  tower: Tower,
  { provider, threads = cores }: TowerSessionOptions,
): number[] {
  const variant = variantFor(spec, provider)
  const littleWork = tower === 'text' || (variant?.name === 'int8' && variant.towers.includes(tower))
  return provider === 'cpu' && threads > 1 && littleWork
    ? [Math.floor(threads / 2), Math.ceil(threads / 2)]
    : [threads]
}

/** @throws ModelFolderError when the graph does not load, or its vectors are not as long as the config files say */
export async function loadTowerSession(
  spec: ModelSpec,
  tower: Tower,
  options: TowerSessionOptions,
): Promise<EncodeSession> {
  const sessionOptions = encoderSessionOptions(spec, tower, options)
  const { files, provider } = sessionOptions
  const file = path.basename(files.kind === 'combined' ? files.model : files[tower])
  let session: EncodeSession
  try {
    session = await Session.load(new URL('./session-thread.ts', import.meta.url), sessionOptions)
  } catch (error) {
    const { message } = error as Error
    throw new ModelFolderError(`${file} does not load with provider ${provider}: ${message}`, spec.name)
  }
  const { dimensions } = session.ready
  if (dimensions === spec.dimensions) return session
  await session.close()
  throw new ModelFolderError(
    `the config files say ${spec.dimensions} dimensions, ${file} gives ${dimensions}.`,
    spec.name,
  )
}

function encoderSessionOptions(
  spec: ModelSpec,
  tower: Tower,
  { provider, threads = cores }: TowerSessionOptions,
): EncoderSessionOptions {
  const { files, image, text } = spec
  return {
    tower,
    files: variantFor(spec, provider)?.files ?? files,
    provider,
    image,
    text,
    threads,
    deviceLock: sharedDeviceLock,
  }
}
