import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { openDatabase } from '../prisma/open.ts'
import type { Services } from '../schema/core/context.ts'
import { imageReader } from '../schema/core/images.ts'
import { Palettes } from '../workers/colour/palettes.ts'
import { DrawingRuns } from '../workers/drawing/runs/drawing-runs.ts'
import { availableProviders } from '../workers/encode/choose-provider.ts'
import { LocalEncoder, type LocalEncoderOptions } from '../workers/encode/local-encoder.ts'
import { LocalGuide } from '../workers/guidance/local-guide.ts'
import { LibraryNotices } from '../workers/ingest/advice/notices.ts'
import { colourEnricher } from '../workers/ingest/enrich/colour-enricher.ts'
import { Suggestions } from '../workers/ingest/labels/suggestions.ts'
import { LocalLibrary } from '../workers/ingest/local-library.ts'
import type { Log } from '../workers/log.ts'
import { ModelRegistry } from '../workers/registry/registry.ts'
import { RelevanceFits } from '../workers/relevance/store.ts'
import { decodeBase64 } from '../workers/sources/base64.ts'
import { fetchImage } from '../workers/sources/fetch.ts'
import type { Config } from './config.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createRelevanceJobs } from './relevance-jobs.ts'
import { createVariantJobs } from './variant-jobs.ts'
import { version } from './version.ts'

/** A day: another server of the database may have a run's model. */
const leaveRunsMs = 24 * 60 * 60_000

/** The parts of a server, or of a command that works on the library. */
export interface App {
  config: Config
  log: Log
  metrics: Metrics
  registry: ModelRegistry
  services: Services
  /** Resolves when the database was given up: the app is of no more use. */
  lost: Promise<Error>
  close(): Promise<void>
}

const limitsOf = ({ maxUploadBytes, maxPixels, maxBodyBytes, deadlineMs }: Config) => ({
  uploadBytes: maxUploadBytes,
  pixels: maxPixels,
  bodyBytes: maxBodyBytes,
  deadlineMs,
})

type ImageSetting = 'maxUploadBytes' | 'maxPixels' | 'maxDecodeMs'

const imageLimits = ({ maxUploadBytes, maxPixels, maxDecodeMs }: Pick<Config, ImageSetting>) => ({
  bytes: maxUploadBytes,
  pixels: maxPixels,
  milliseconds: maxDecodeMs,
})

/** JSON lines on standard error: standard output is for people. */
export function createLog(level: Config['logLevel']): Log {
  const redact = ['*.authorization', '*["x-api-key"]', '*.apiKey', '*.hubToken', '*.databaseUrl']
  return pino({ level, redact, base: null }, pino.destination({ dest: 2, sync: false }))
}

/** The model folders of this installation and of LIMN_HOME. */
export function openRegistry({
  home,
  model,
  precision,
  variant,
  provider,
  hubHome,
}: Pick<Config, 'home' | 'hubHome' | 'model' | 'precision' | 'variant' | 'provider'>): ModelRegistry {
  return new ModelRegistry({
    bundledFolder: fileURLToPath(new URL('../workers/models', import.meta.url)),
    homeFolder: path.join(home, 'models'),
    hubHome,
    cacheFolder: path.join(home, 'cache'),
    defaultModel: model,
    precision: precision === 'auto' ? null : precision,
    variant,
    providers: provider === 'auto' ? availableProviders() : [provider],
  })
}

export function openEncoder(
  registry: ModelRegistry,
  config: Pick<Config, 'home' | 'provider' | 'queueLimit' | 'deadlineMs' | ImageSetting>,
  more: Pick<LocalEncoderOptions, 'log' | 'onBatch' | 'onEncoded'> = {},
): LocalEncoder {
  return new LocalEncoder({
    registry,
    cacheFolder: path.join(config.home, 'cache'),
    provider: config.provider,
    queueLimit: config.queueLimit,
    defaultDeadlineMs: config.deadlineMs,
    limits: imageLimits(config),
    ...more,
  })
}

/**
 * Opens everything that a configuration names; what was opened is closed again where one part fails.
 * @throws StartupError, ModelNotFound, ModelFolderError
 */
export async function openApp(config: Config): Promise<App> {
  const log = createLog(config.logLevel)
  const metrics = createMetrics()
  const registry = openRegistry(config)
  await mkdir(config.home, { recursive: true })
  const parts = new AsyncDisposableStack()
  const lost = Promise.withResolvers<Error>()
  try {
    // The default model must be there before a database is made for it.
    await registry.get()
    const localEncoder = openEncoder(registry, config, {
      log,
      onBatch: metrics.batch,
      onEncoded: metrics.encoded,
    })
    parts.defer(() => localEncoder.close())
    const database = await openDatabase({
      ...{ url: config.databaseUrl, home: config.home, log },
      onLost: lost.resolve,
    })
    parts.defer(() => database.close())
    const variantJobs = createVariantJobs({ config, log, encoder: localEncoder })
    parts.defer(() => variantJobs.close())
    const relevance = new RelevanceFits(path.join(config.home, 'cache'))
    const relevanceJobs = createRelevanceJobs({ encoder: localEncoder, fits: relevance, log })
    parts.defer(() => relevanceJobs.close())
    const encoder = metrics.observe(localEncoder)
    const limits = imageLimits(config)
    const palettes = new Palettes(limits)
    parts.defer(() => palettes.close())
    const library = await LocalLibrary.open({
      database,
      encoder,
      catalogue: localEncoder,
      enrichers: [colourEnricher(palettes)],
      home: config.home,
      limits,
      log,
    })
    parts.defer(() => library.close())
    const notices = new LibraryNotices({ census: database.census, log })
    const guide = new LocalGuide({
      resolve: ({ name }) => registry.get(name),
      cacheFolder: path.join(config.home, 'cache'),
      provider: config.provider,
      limits,
      log,
      onBatch: (model, size, seconds) => metrics.batch(model, 'gradient', size, seconds),
    })
    parts.defer(() => guide.close())
    const runs = new DrawingRuns({
      guide,
      store: database.runs,
      model: (name) => registry.get(name),
      leaveToOthersMs: database.info.kind === 'postgres' ? leaveRunsMs : 0,
      limits,
      log,
    })
    parts.defer(() => runs.close())
    const images = imageReader({
      maxBytes: config.maxUploadBytes,
      decodeBase64: (text) => decodeBase64(text, config.maxUploadBytes),
      fetchUrl: (url, signal, count) =>
        fetchImage(url, {
          ...{ signal, count },
          maxBytes: config.maxUploadBytes,
          allowPrivate: config.allowPrivateUrls,
        }),
    })
    return {
      config,
      log,
      metrics,
      registry,
      services: {
        ...{ encoder, catalogue: localEncoder, guide, runs, database, library, relevance, notices, images },
        suggestions: new Suggestions({ words: database.words, encoder, log }),
        server: { version, limits: limitsOf(config) },
      },
      lost: lost.promise,
      close: () => parts.disposeAsync(),
    }
  } catch (error) {
    await parts.disposeAsync()
    throw error
  }
}
