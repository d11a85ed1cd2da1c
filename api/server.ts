import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { seedSamples } from '../workers/ingest/seed.ts'
import { keyMatcher, serverKey } from './access/keys.ts'
import { type App, openApp } from './app.ts'
import { type Config, ConfigError, checkExposure } from './config.ts'
import { createReadiness } from './http/health.ts'
import { createRouter } from './http/router.ts'

export interface RunningServer {
  /** Where it answers, without a slash at the end. */
  url: string
  app: App
  /** Resolves when a new library has its sample images, to how many were added now. It answers before. */
  samples: Promise<number>
  /** What the first check of readiness found: null when all works. It answers before. */
  ready: Promise<string | null>
  /** Answers what has begun (up to `drainMs`), then closes everything. */
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
    const access = { keyRequired: config.apiKey !== undefined, matches: keyMatcher(serverKey(config)) }
    const readiness = createReadiness(app.services, app.registry.defaultName, app.log)
    const server = createServer(createRouter(app, access, readiness))
    await listen(server, config)
    const url = addressOf(server, config.host)
    app.services.database.publish(url)
    // Loads the model now, so that the first caller does not wait for it.
    const ready = readiness.check()
    app.services.runs.resume().catch((err) => app.log.error({ err }, 'could not resume guidance runs'))
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

/** A library without samples is one that works: what fails is logged. */
async function addSamples({ config, log, services }: App, signal: AbortSignal): Promise<number> {
  const { library, database } = services
  try {
    return await seedSamples({ library, database, home: config.home, log, signal })
  } catch (err) {
    log.error({ err }, 'the sample images could not be added')
    return 0
  }
}

function listen(server: Server, { host, port }: Pick<Config, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `Port ${port} of ${host} is taken by another program. Stop it, or set PORT to another one (0 picks a free one).`
      reject(error.code === 'EADDRINUSE' ? new ConfigError(taken) : error)
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
