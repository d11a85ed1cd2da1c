import os from 'node:os'
import path from 'node:path'
import { z } from 'zod'
import { bundledModel } from '../workers/registry/bundled.ts'
import { ConfigError } from './errors.ts'

/** One row a setting: the environment variable, the texts of `limn serve --help`, and the parser. */
interface Setting {
  name: string
  shows: string
  help: string
  /** Errors do not repeat its value. */
  secret: boolean
  /** `limn serve` takes it as `--FLAG` too. */
  flag?: string
  /** A variable of other programs that is read where the setting's own is absent. */
  fallback?: string
}

/** The end of an error: the values that the setting takes. */
const takes = (values: string) => ({ error: `it takes ${values}` })

const flag = z.stringbool({
  ...{ truthy: ['1', 'true', 'yes', 'on'], falsy: ['0', 'false', 'no', 'off'] },
  ...takes('true or false (also 1, yes, on; 0, no, off)'),
})
const wholeNumber = (min: number, max = Number.MAX_SAFE_INTEGER) => {
  const expected = takes(`a whole number from ${min} to ${max}`)
  // Digits alone: Number() makes 0 of a blank.
  return z
    .string()
    .trim()
    .regex(/^\d+$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected)
}
const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, takes(`${values.slice(0, -1).join(', ')} or ${values.at(-1)}`))
const address = z
  .url({ protocol: /^https?$/, ...takes('an address such as https://example.org') })
  .transform((url) => url.replace(/\/+$/, ''))

const table = {
  host: row(
    'HOST',
    '127.0.0.1',
    'address to listen on; any other than loopback needs LIMN_API_KEY',
    z.string().default('127.0.0.1'),
    { flag: 'host' },
  ),
  port: row('PORT', '4000', 'port to listen on; 0 picks a free one', wholeNumber(0, 65_535).default(4000), {
    flag: 'port',
  }),
  home: row(
    'LIMN_HOME',
    '.limn',
    'data folder: database, files, models, caches, key',
    z
      .string()
      .default('.limn')
      .transform((home) => path.resolve(home)),
    { flag: 'home' },
  ),
  databaseUrl: row(
    'DATABASE_URL',
    'embedded',
    'postgresql://... with pgvector; the embedded database when absent',
    z
      .url({ protocol: /^postgres(ql)?$/, ...takes('an address such as postgresql://user@host/database') })
      .optional(),
    { secret: true },
  ),
  model: row('LIMN_MODEL', bundledModel, "the default model's name", z.string().default(bundledModel)),
  provider: row(
    'LIMN_PROVIDER',
    'auto',
    'execution provider: auto, cpu, webgpu, cuda, coreml or dml',
    oneOf('auto', 'cpu', 'webgpu', 'cuda', 'coreml', 'dml').default('auto'),
  ),
  precision: row(
    'LIMN_PRECISION',
    'auto',
    'weights to load where a model has several: auto, fp32, fp16, int8, uint8, q4, q4f16 or bnb4',
    oneOf('auto', 'fp32', 'fp16', 'int8', 'uint8', 'q4', 'q4f16', 'bnb4').default('auto'),
  ),
  variant: row(
    'LIMN_VARIANT',
    'auto',
    'weights that serve: auto derives faster ones in the background (int8 for the CPU, fp16 for GPUs) and takes them where they agree and are faster; fp32, int8 or fp16 by hand',
    oneOf('auto', 'fp32', 'int8', 'fp16').default('auto'),
  ),
  apiKey: row(
    'LIMN_API_KEY',
    'none',
    'key that every request must carry; at least 16 characters',
    z
      .string()
      .regex(/^[\x21-\x7e]{16,}$/, takes('at least 16 printable ASCII characters without blanks'))
      .optional(),
    { secret: true },
  ),
  publicUrl: row(
    'LIMN_PUBLIC_URL',
    "the request's host",
    'address under which callers reach this server, for the URLs in answers',
    address.optional(),
  ),
  hubUrl: row(
    'LIMN_HUB_URL',
    'HF_ENDPOINT, else https://huggingface.co',
    'model hub that `limn models pull` loads from',
    address.default('https://huggingface.co'),
    { fallback: 'HF_ENDPOINT' },
  ),
  hubToken: row(
    'HF_TOKEN',
    'none',
    'access token for private and gated models; only the hub itself gets it',
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, takes('printable ASCII characters without blanks'))
      .optional(),
    { secret: true },
  ),
  hubOffline: row('HF_HUB_OFFLINE', 'false', 'never ask the model hub', flag.default(false)),
  hubHome: row(
    'HF_HOME',
    '~/.cache/huggingface',
    "the Hugging Face tools' folder; models in its cache (hub/) are used in place",
    z
      .string()
      .default(path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'huggingface'))
      .transform((home) => path.resolve(home)),
  ),
  logLevel: row(
    'LIMN_LOG_LEVEL',
    'info',
    'fatal, error, warn, info, debug, trace or silent',
    oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info'),
  ),
  queueLimit: row(
    'LIMN_QUEUE_LIMIT',
    '1024',
    'texts and images that may wait for the encoder; more are OVERLOADED',
    wholeNumber(1).default(1024),
  ),
  deadlineMs: row(
    'LIMN_DEADLINE_MS',
    '60000',
    'time that a request may take',
    wholeNumber(1).default(60_000),
  ),
  maxBodyBytes: row(
    'LIMN_MAX_BODY_BYTES',
    '67108864',
    'bytes of one request',
    wholeNumber(1).default(64 * 1024 * 1024),
  ),
  maxBytesInFlight: row(
    'LIMN_MAX_BYTES_IN_FLIGHT',
    '268435456',
    'bytes of bodies and fetched images that all requests may hold at once; more are OVERLOADED',
    wholeNumber(1).default(256 * 1024 * 1024),
  ),
  maxUploadBytes: row(
    'LIMN_MAX_UPLOAD_BYTES',
    '33554432',
    'bytes of one image, however it is given',
    wholeNumber(1).default(32 * 1024 * 1024),
  ),
  maxPixels: row('LIMN_MAX_PIXELS', '100000000', 'pixels of one image', wholeNumber(1).default(100_000_000)),
  maxDecodeMs: row(
    'LIMN_MAX_DECODE_MS',
    '10000',
    'time that decoding one image, or drawing one SVG, may take',
    wholeNumber(1).default(10_000),
  ),
  allowPrivateUrls: row(
    'LIMN_ALLOW_PRIVATE_URLS',
    'false',
    'fetch images from private addresses too; only where every caller is trusted',
    flag.default(false),
  ),
  samples: row('LIMN_SAMPLES', 'true', 'fill a new library with the sample images', flag.default(true)),
} as const

function row<T extends z.ZodType>(
  name: string,
  shows: string,
  help: string,
  schema: T,
  { secret = false, flag, fallback }: Partial<Pick<Setting, 'secret' | 'flag' | 'fallback'>> = {},
): Setting & { schema: T } {
  return { name, shows, help, schema, secret, flag, fallback }
}

export const settings: readonly Setting[] = Object.values(table)

export type Config = { readonly [K in keyof typeof table]: z.output<(typeof table)[K]['schema']> }

/** The flags of `limn serve`, without their dashes. */
export const flags: readonly string[] = settings.flatMap((setting) => setting.flag ?? [])

/** Read by other parts of Limn: the install script. */
const notSettings = new Set(['LIMN_PRUNE'])

/**
 * Reads the settings; a flag wins over its variable. An empty variable counts as absent.
 * @throws ConfigError
 */
export function readConfig(
  env: Record<string, string | undefined>,
  given: Record<string, string | undefined> = {},
): { config: Config; warnings: string[] } {
  const problems: string[] = []
  const config: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(table)) {
    const { source, text } = find(setting, env, given)
    const result = setting.schema.safeParse(text)
    if (result.success) config[key] = result.data
    else {
      const shown = setting.secret ? 'not shown here' : JSON.stringify(text!.slice(0, 80))
      problems.push(`${source} is ${shown}; ${result.error.issues[0]!.message}`)
    }
  }
  const known = new Set(settings.map(({ name }) => name))
  const warnings = Object.keys(env)
    .filter((name) => name.startsWith('LIMN_') && !name.startsWith('LIMN_TEST_'))
    .filter((name) => !known.has(name) && !notSettings.has(name))
    .map((name) => `${name} is not a setting of Limn and is ignored. \`limn serve --help\` lists them all.`)
  if (problems.length > 0) throw new ConfigError(`These settings cannot be used:\n  ${problems.join('\n  ')}`)
  return { config: config as Config, warnings }
}

/** A setting's text, and where it comes from: the flag, the variable, the variable of other programs. */
function find(
  { name, flag, fallback }: Setting,
  env: Record<string, string | undefined>,
  given: Record<string, string | undefined>,
): { source: string; text: string | undefined } {
  if (flag !== undefined && given[flag] !== undefined) return { source: `--${flag}`, text: given[flag] }
  if (!env[name] && fallback && env[fallback]) return { source: fallback, text: env[fallback] }
  return { source: name, text: env[name] || undefined }
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i

/** @throws ConfigError where the server would be open to others without a key */
export function checkExposure({ host, apiKey }: Pick<Config, 'host' | 'apiKey'>): void {
  if (!apiKey && !loopback.test(host))
    throw new ConfigError(
      `HOST=${host} can be reached by others, and LIMN_API_KEY is not set. Set a key (e.g. LIMN_API_KEY=$(openssl rand -hex 32)) or leave HOST at 127.0.0.1.`,
    )
}

/** The table of `limn serve --help`. */
export function describeSettings(): string {
  const width = Math.max(...settings.map(({ name }) => name.length)) + 2
  return settings
    .map(({ name, shows, help, flag }) => {
      const also = flag === undefined ? '' : `; also --${flag}`
      return `  ${name.padEnd(width)}${help} [${shows}${also}]`
    })
    .join('\n')
}
