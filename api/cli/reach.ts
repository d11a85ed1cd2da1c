import { readLock } from '../../prisma/home-lock.ts'
import type { Config } from '../config.ts'
import { startServer } from '../server.ts'
import { createClient } from './client.ts'

/** The server to speak to; one that was started for this ends with it. */
export async function reach(config: Config, url: string | undefined, key: string | undefined) {
  const running = url === undefined ? readLock(config.home) : null
  const found = url ?? (running?.alive ? running.url : undefined)
  // Never aborted: an interrupt lets what is on its way arrive.
  const { signal } = new AbortController()
  if (found !== undefined) {
    // The key of this machine's server is no other server's business.
    const client = createClient(
      found.replace(/\/+(graphql\/*)?$/, ''),
      key ?? (url === undefined ? config.apiKey : undefined),
      signal,
    )
    return { client, async [Symbol.asyncDispose]() {} }
  }
  // A line a request would run into the bars.
  const logLevel = config.logLevel === 'info' ? 'warn' : config.logLevel
  const server = await startServer({ ...config, host: '127.0.0.1', port: 0, samples: false, logLevel })
  return {
    client: createClient(server.url, key ?? config.apiKey, signal),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
