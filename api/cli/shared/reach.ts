import { readLock } from '../../../prisma/home-lock.ts'
import type { Config } from '../../config.ts'
import { startServer } from '../../server.ts'
import { createClient } from './client.ts'

/** The server of a command; one started for the command ends with it. */
export async function reach(config: Config, url: string | undefined, key: string | undefined) {
  const running = url === undefined ? readLock(config.home) : null
  const found = url ?? (running?.alive ? running.url : undefined)
  // Never aborted: an interrupt lets requests under way arrive.
  const { signal } = new AbortController()
  if (found !== undefined) {
    // Other servers must not see the key of this machine's server.
    const client = createClient(
      found.replace(/\/+(graphql\/*)?$/, ''),
      key ?? (url === undefined ? config.apiKey : undefined),
      signal,
    )
    return { client, async [Symbol.asyncDispose]() {} }
  }
  // A log line per request would run into the progress bars.
  const logLevel = config.logLevel === 'info' ? 'warn' : config.logLevel
  const server = await startServer({ ...config, host: '127.0.0.1', port: 0, samples: false, logLevel })
  return {
    client: createClient(server.url, key ?? config.apiKey, signal),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
