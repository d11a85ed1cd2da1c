import { spawn } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Provider } from '../workers/encode/encoder.ts'
import type { Log } from '../workers/log.ts'
import type { ModelSpec } from '../workers/registry/spec.ts'
import { readRecord } from '../workers/variants/record.ts'
import type { Config } from './config.ts'

export interface Optimizer {
  /** A model is in memory: if faster files may be made for it, that is begun some time later. */
  loaded(spec: ModelSpec, provider: Provider): void
  close(): Promise<void>
}

export interface OptimizerOptions {
  config: Pick<Config, 'home' | 'model' | 'precision' | 'variant'>
  /** Takes up what was made. */
  reload(name: string): Promise<void>
  log: Log
  /** The first callers are not to wait for what makes later ones faster. */
  delayMs?: number
}

/**
 * Derives 8-bit files for the models in use, one after the other, in a process of the lowest priority, and has the
 * encoder take them up. Does nothing where LIMN_VARIANT is fp32 or the model runs on a GPU.
 */
export function createOptimizer({ config, reload, log, delayMs = 20_000 }: OptimizerOptions): Optimizer {
  const seen = new Set<string>()
  const ending = new AbortController()
  let last: Promise<void> = Promise.resolve()

  async function derive(spec: ModelSpec): Promise<void> {
    await pause(delayMs, ending.signal)
    const cache = path.join(config.home, 'cache')
    if (ending.signal.aborted || (await readRecord(cache, spec.revision))) return
    const begun = performance.now()
    const failure = await run(spec.name, config, ending.signal)
    if (ending.signal.aborted) return
    if (failure !== null) return log.warn({ model: spec.name, failure }, 'no faster files could be derived')
    // By hand, vectors that may not stand beside those that are there: the library must be indexed anew.
    if (config.variant === 'int8' && !(await readRecord(cache, spec.revision))?.comparable)
      return log.warn(
        { model: spec.name },
        'the 8-bit files are of another revision: they serve after a restart',
      )
    await reload(spec.name)
    log.info({ model: spec.name, ms: Math.round(performance.now() - begun) }, 'faster files were looked for')
  }

  return {
    loaded(spec, provider) {
      const pointless = provider !== 'cpu' || spec.variant !== null || spec.files.precision !== 'fp32'
      if (config.variant === 'fp32' || pointless || seen.has(spec.name)) return
      seen.add(spec.name)
      last = last
        .then(() => derive(spec))
        .catch((err) => log.warn({ model: spec.name, err }, 'faster files could not be taken up'))
    },
    async close() {
      ending.abort()
      await last
    },
  }
}

/** Null when `limn models optimize` has succeeded, else the end of what it said. */
function run(
  name: string,
  { home, model, precision }: OptimizerOptions['config'],
  signal: AbortSignal,
): Promise<string | null> {
  const env = { ...process.env, LIMN_HOME: home, LIMN_MODEL: model, LIMN_PRECISION: precision }
  const command = fileURLToPath(new URL('./limn.ts', import.meta.url))
  const child = spawn(process.execPath, [command, 'models', 'optimize', name], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  })
  try {
    if (child.pid) os.setPriority(child.pid, os.constants.priority.PRIORITY_LOW)
  } catch {
    // It may have ended already.
  }
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-500)
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code) => resolve(code === 0 ? null : said.trim() || `status ${code}`))
  })
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms).unref()
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
