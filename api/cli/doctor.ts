import { constants } from 'node:fs'
import { access, mkdir, statfs } from 'node:fs/promises'
import { readLock } from '../../prisma/home-lock.ts'
import { openDatabase } from '../../prisma/open.ts'
import type { Encoder } from '../../workers/encode/encoder.ts'
import { verifyModel } from '../../workers/encode/verification/verify.ts'
import { ModelFolderError } from '../../workers/errors.ts'
import { LibraryNotices } from '../../workers/ingest/advice/notices.ts'
import type { ModelSpec } from '../../workers/registry/spec.ts'
import { openEncoder, openRegistry } from '../app.ts'
import { type Config, checkExposure, readConfig } from '../config.ts'
import { storedFiles } from './doctor/stored-files.ts'
import { commandLine } from './shared/usage.ts'

/** A check and its result. `ok` is null when there was nothing to check. */
interface Check {
  name: string
  ok: boolean | null
  detail: string
}

/** Below this a library has little room left to grow. */
const littleRoom = 1024 ** 3

/** Checks this installation; the exit status is 1 when something does not work. */
export async function doctorCommand(args: string[]): Promise<number> {
  const json = args.includes('--json')
  if (args.some((arg) => arg !== '--json')) {
    console.log('limn doctor [--json]: checks Node, settings, disk, database, files, models and the encoder.')
    return args[0] === '--help' ? 0 : 2
  }
  const checks: Check[] = []
  for await (const check of examine()) {
    checks.push(check)
    if (!json)
      console.log(`${check.ok === null ? '-' : check.ok ? '✓' : '✗'} ${check.name.padEnd(11)}${check.detail}`)
  }
  const ok = checks.every((check) => check.ok !== false)
  if (json) console.log(JSON.stringify({ ok, checks }, null, 2))
  return ok ? 0 : 1
}

async function* examine(): AsyncGenerator<Check> {
  yield { name: 'Node', ok: Number(process.versions.node.split('.')[0]) >= 24, detail: process.version }
  let config: Config
  try {
    const read = readConfig(process.env)
    config = read.config
    checkExposure(config)
    yield { name: 'settings', ok: true, detail: read.warnings.join(' ') || 'all valid' }
  } catch (error) {
    yield { name: 'settings', ok: false, detail: (error as Error).message }
    return
  }
  yield await attempt('disk', () => disk(config))
  yield await server(config)
  yield* database(config)
  yield* models(config)
}

async function attempt(name: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await work() }
  } catch (error) {
    return { name, ok: false, detail: (error as Error).message }
  }
}

async function disk({ home }: Config): Promise<string> {
  await mkdir(home, { recursive: true })
  await access(home, constants.R_OK | constants.W_OK)
  const { bavail, bsize } = await statfs(home)
  const free = bavail * bsize
  const state = `${home} is writable, ${(free / 1024 ** 3).toFixed(1)} GB free`
  if (free < littleRoom)
    throw new Error(`${state}: less than 1 GB. Make room or set LIMN_HOME to another disk.`)
  return state
}

/** The process that has this data folder open. */
function holderOf(home: string): { pid: number; url?: string } | null {
  const lock = readLock(home)
  return lock?.alive ? lock : null
}

/** The server of this data folder, else any that answers at its address. */
async function server({ home, host, port }: Config): Promise<Check> {
  const name = 'server'
  const holder = holderOf(home)
  const url =
    holder?.url ?? `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
  const who = holder ? ` (process ${holder.pid})` : ''
  try {
    const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(10_000) })
    const { ready, problem } = (await answer.json()) as { ready?: boolean; problem?: string }
    if (ready) return { name, ok: true, detail: `answers at ${url}${who} and is ready` }
    return {
      name,
      ok: false,
      detail: `answers at ${url}${who} but is not ready: ${problem ?? `status ${answer.status}`}`,
    }
  } catch {
    if (holder)
      return { name, ok: false, detail: `process ${holder.pid} holds ${home} but does not answer at ${url}` }
    return { name, ok: null, detail: `none answers at ${url} (${commandLine('serve')} starts one)` }
  }
}

async function* database(config: Config): AsyncGenerator<Check> {
  const name = 'database'
  const holder = holderOf(config.home)
  if (holder) {
    yield { name, ok: null, detail: `in use by process ${holder.pid}; stop it to look inside` }
    return
  }
  const opened = await openDatabase({ url: config.databaseUrl, home: config.home }).catch(
    (error: Error) => error,
  )
  if (opened instanceof Error) {
    yield { name, ok: false, detail: opened.message }
    return
  }
  try {
    yield await attempt(name, async () => {
      await opened.ping()
      const { kind, version, pgvector } = opened.info
      const count = await opened.assets.count()
      return `PostgreSQL ${version} (${kind === 'embedded' ? 'embedded' : 'DATABASE_URL'}), pgvector ${pgvector}, ${count} images`
    })
    yield await attempt('files', () => storedFiles(opened.assets, config.home))
    const model = await openRegistry(config)
      .get()
      .catch(() => null)
    const notices = model ? await new LibraryNotices({ census: opened.census }).of(model) : []
    for (const { message } of notices) yield { name: 'images', ok: null, detail: message }
  } finally {
    await opened.close()
  }
}

async function* models(config: Config): AsyncGenerator<Check> {
  const registry = openRegistry(config)
  const encoder = openEncoder(registry, config)
  try {
    // First: a folder that reads well may hold a model that does not load.
    const failed = await encoder.ready().then(
      () => null,
      (error: Error) => error,
    )
    for (const { name, message } of await registry.problems())
      if (name !== registry.defaultName) yield { name: 'model', ok: false, detail: `${name}: ${message}` }
    const model = await attempt('model', async () => {
      const { name, revision, dimensions, licence } = await registry.get()
      if (failed instanceof ModelFolderError) throw failed
      return `${name}, revision ${revision.slice(0, 12)}, ${dimensions} dimensions, licence ${licence}`
    })
    yield model
    if (!model.ok) {
      yield { name: 'encoder', ok: null, detail: 'there is no model to encode with' }
      yield await references(null, encoder)
      return
    }
    yield await attempt('encoder', async () => {
      if (failed) throw failed
      const { provider } = await encoder.get()
      return `encodes texts and images on ${provider}`
    })
    yield await references(await registry.get(), encoder)
  } finally {
    await encoder.close()
  }
}

/** Encodes the model's references again, to show drift. */
async function references(spec: ModelSpec | null, encoder: Encoder): Promise<Check> {
  const name = 'references'
  if (!spec) return { name, ok: null, detail: 'there is no model to compare' }
  try {
    const found = await verifyModel(spec, (inputs) => encoder.encode(inputs, { model: spec.name }))
    if (!found)
      return {
        name,
        ok: null,
        detail: spec.cached
          ? `${spec.name} lies in the Hugging Face cache, where none are kept`
          : `${spec.name} has none yet (limn models verify ${spec.name} records them)`,
      }
    if (!found.ok) return { name, ok: false, detail: found.problems.join(' ') }
    return {
      name,
      ok: true,
      detail: `${spec.name} gives its vectors again, lowest cosine ${found.lowest?.cosine.toFixed(5)}`,
    }
  } catch (error) {
    return { name, ok: false, detail: (error as Error).message }
  }
}
