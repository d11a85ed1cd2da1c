import type { Caller } from '../../schema/core/caller.ts'
import type { Context, Services } from '../../schema/core/context.ts'
import { createLoaders } from '../../schema/core/loaders.ts'
import type { ByteCount } from '../../workers/sources/fetch.ts'
import { createDeadline, type Deadline } from '../hooks/use-deadline.ts'
import type { Timings } from '../hooks/use-timings.ts'
import { assetAddresses } from './files.ts'

export interface RequestOptions {
  caller: Caller
  /** Fires when the connection is gone. */
  signal: AbortSignal
  deadlineMs: number
  /** Address under which the caller reaches the server. */
  baseUrl: string
  timings?: Timings
  /** Counts the bytes of fetched images. */
  fetched: ByteCount
}

/** One request's view of the services: what its caller may see, until its deadline. */
export function createContext(
  services: Services,
  { caller, signal: gone, deadlineMs, baseUrl, timings, fetched }: RequestOptions,
): Context & { deadline: Deadline } {
  const deadline = createDeadline(deadlineMs, gone)
  const { signal, remainingMs } = deadline
  const parts: Omit<Context, 'loaders'> & { deadline: Deadline } = {
    ...services,
    ...assetAddresses(baseUrl),
    database: services.database.for(caller),
    caller,
    deadline,
    signal,
    remainingMs,
    images: (source, signal) => services.images(source, signal, fetched),
    encode: (inputs, { card }) =>
      services.encoder.encode(inputs, {
        model: card.name,
        caller,
        signal,
        deadlineMs: remainingMs(),
        onStages: timings?.add,
      }),
  }
  const context = parts as Context & { deadline: Deadline }
  context.loaders = createLoaders(context)
  return context
}
