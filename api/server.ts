import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { seedSamples } from '../workers/ingest/seed/seed.ts'
import { Access, ownerCaller } from './access/auth.ts'
import { serverKey, singleKey } from './access/keys.ts'
import { type App, openApp } from './app.ts'
import { type Config, checkExposure } from './config.ts'
import { ConfigError } from './errors.ts'
import { createReadiness } from './http/health.ts'
import { createRouter } from './http/router.ts'

export interface RunningServer {
  /** Where it answers, without a slash at the end. */
  url: string
  app: App
  /** Resolves when a new library has its sample images, to the number added now. The server answers before that. */
  samples: Promise<number>
  /** Result of the first check of readiness: null when all works. The server answers before that. */
  ready: Promise<string | null>
  /** Finishes the requests under way (up to `drainMs`), then closes everything. */
  close(drainMs?: number): Promise<void>
}

/**
 * Opens the database, the encoder and the library, then listens.
 * @throws ConfigError, and what opening them throws: nothing is left open then
 */
export async function startServer(config: Config): Promise<RunningServer> {
  checkExposure(config)
  const app = await openApp(config)
  try {
    const access = new Access({
      keyRequired: config.apiKey !== undefined,
      callerOf: singleKey(serverKey(config), ownerCaller),
    })
    const readiness = createReadiness(app.services, app.registry.defaultName, app.log)
    const server = createServer(createRouter(app, access, readiness))
    await listen(server, config)
    const url = addressOf(server, config.host)
    app.services.database.publish(url)
    // Loads the model now, so that the first caller does not wait for it.
    const ready = readiness.check()
    // Runs that an earlier server did not finish.
    app.services.runs.resume().catch((err) => app.log.error({ err }, 'could not resume drawings'))
    const ending = new AbortController()
    const samples = config.samples ? addSamples(app, ending.signal) : Promise.resolve(0)
    return {
      url,
      app,
      samples,
      ready,
      async close(drainMs = 10_000) {
        readiness.drain()
        ending.abort()
        // Subscriptions end with their runs.
        await Promise.all([drain(server, drainMs), samples, app.services.runs.close()])
        await app.close()
      },
    }
  } catch (error) {
    await app.close()
    throw error
  }
}

/** The library works without samples too: a failure is only logged. */
async function addSamples({ config, log, services }: App, signal: AbortSignal): Promise<number> {
  const { library, database } = services
  try {
    return await seedSamples({ library, database, home: config.home, log, signal })
  } catch (err) {
    log.error({ err }, 'could not add the sample images')
    return 0
  }
}

/** Why the system does not let a server listen, by its error codes. */
const refusals: Record<string, (host: string, port: number) => string> = {
  EADDRINUSE: (host, port) =>
    `Port ${port} of ${host} is taken by another program. Stop it, or set PORT (--port) to another one (0 picks a free one).`,
  EACCES: (host, port) =>
    `This user may not listen on port ${port} of ${host}: ports below 1024 are often kept for root. Set PORT (--port) to another one, e.g. 4000.`,
  EADDRNOTAVAIL: (host) =>
    `This machine has no address ${host}. Set HOST (--host) to one that it has, e.g. 127.0.0.1.`,
  ENOTFOUND: (host) =>
    `No address is known for "${host}". Set HOST (--host) to an address of this machine, e.g. 127.0.0.1.`,
}

function listen(server: Server, { host, port }: Pick<Config, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = refusals[error.code ?? '']?.(host, port)
      reject(reason ? new ConfigError(reason) : error)
    })
    // A burst of callers must find room to connect before the queue can tell them that it is full.
    server.listen({ host: host.replace(/^\[|\]$/g, ''), port, backlog: 4096 }, resolve)
  })
}

function addressOf(server: Server, host: string): string {
  const { address, family, port } = server.address() as AddressInfo
  const shown = host === 'localhost' ? host : family === 'IPv6' ? `[${address}]` : address
  return `http://${shown}:${port}`
}

function drain(server: Server, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), drainMs)
    // A connection whose last answer is out would stay for its keep-alive time.
    const idle = setInterval(() => server.closeIdleConnections(), 50)
    server.close(() => {
      clearTimeout(force)
      clearInterval(idle)
      resolve()
    })
  })
}
