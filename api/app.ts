import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { pino } from 'pino'
import { openDatabase } from '../prisma/open.ts'
import type { Services } from '../schema/context.ts'
import { imageReader } from '../schema/images.ts'
import { createEncoder } from '../workers/encode/index.ts'
import { createLibrary } from '../workers/ingest/index.ts'
import type { Log } from '../workers/log.ts'
import { ModelRegistry } from '../workers/registry/registry.ts'
import { decodeBase64 } from '../workers/sources/base64.ts'
import { fetchImage } from '../workers/sources/fetch.ts'
import type { Config } from './config.ts'
import { createMetrics, type Metrics } from './metrics.ts'

/** Everything a server, or a command that works on the library, stands on. */
export interface App {
  config: Config
  log: Log
  metrics: Metrics
  services: Services
  close(): Promise<void>
}

/** JSON lines on standard error: standard output is for people. */
export function createLog(level: Config['logLevel']): Log {
  const redact = ['*.authorization', '*["x-api-key"]', '*.apiKey', '*.databaseUrl']
  return pino({ level, redact, base: null }, pino.destination({ dest: 2, sync: false }))
}
