import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LocalEncoder } from '../workers/encode/local-encoder.ts'
import type { Log } from '../workers/log.ts'
import { precisionFor, readRecord } from '../workers/registry/derived.ts'
import { type ModelSpec, variantFor } from '../workers/registry/spec.ts'
import type { Provider } from '../workers/runtime/provider.ts'
import type { Config } from './config.ts'

export interface VariantJobs {
  close(): Promise<void>
}

export interface VariantJobsOptions {
  config: Pick<Config, 'home' | 'model' | 'precision' | 'variant'> & Partial<Pick<Config, 'hubHome'>>
  encoder: Pick<LocalEncoder, 'takeUpVariants' | 'onModelLoaded'>
  log: Log
  /** Pause before the work begins: the first callers must not wait for it. */
  delayMs?: number
}

/**
 * Derives faster files for the models in use, one after the other, in a process of the lowest priority, and has the
 * encoder take them up. Does nothing where LIMN_VARIANT is fp32.
 */
export function createVariantJobs({
  config,
  encoder,
  log,
  delayMs = 20_000,
}: VariantJobsOptions): VariantJobs {
  const seen = new Set<string>()
  const ending = new AbortController()
  const { signal } = ending
  let last: Promise<void> = Promise.resolve()

  async function derive(spec: ModelSpec, provider: Provider): Promise<void> {
    await sleep(delayMs, undefined, { signal, ref: false })
    const record = () => readRecord(path.join(config.home, 'cache'), spec.revision, provider)
    const begun = performance.now()
    // Another server may have made them since the model was read.
    if (!(await record())) {
      signal.throwIfAborted()
      const failure = await run(spec.name, provider, config, signal)
      signal.throwIfAborted()
      if (failure !== null) return log.warn({ model: spec.name, failure }, 'could not derive faster files')
    }
    const ms = Math.round(performance.now() - begun)
    const taken = await encoder.takeUpVariants(spec.name)
    if (taken)
      return log.info(
        { model: spec.name, towers: variantFor(taken, provider)?.towers, ms },
        'serving faster files',
      )
    const found = await record()
    // By hand, vectors that may not stand beside those that are there: the library must be indexed anew.
    if (config.variant !== 'auto' && found && !found.sameSpace)
      return log.warn(
        { model: spec.name },
        'the derived files are of another revision: they serve after a restart',
      )
    const reasons = { images: found?.towers.vision.reason, texts: found?.towers.text.reason }
    log.info({ model: spec.name, ...reasons, ms }, "still serving the model's own files")
  }

  /** Schedules the work for a model that may have faster files. */
  encoder.onModelLoaded((spec, provider) => {
    const wanted = config.variant === 'auto' || config.variant === precisionFor(provider)
    const pointless = variantFor(spec, provider) !== null || spec.files.precision !== 'fp32'
    if (!wanted || pointless || seen.has(spec.name)) return
    seen.add(spec.name)
    last = last
      .then(() => derive(spec, provider))
      .catch((err) => {
        if (!signal.aborted) log.warn({ model: spec.name, err }, 'could not take up faster files')
      })
  })

  return {
    async close() {
      ending.abort()
      await last
    },
  }
}

/** Milliseconds that a process has, after SIGTERM, to remove its drafts. */
const grace = 3000

/** Null when `limn models optimize` has succeeded, else its last line. */
function run(
  name: string,
  provider: Provider,
  { home, hubHome, model, precision }: VariantJobsOptions['config'],
  signal: AbortSignal,
): Promise<string | null> {
  const env = {
    ...process.env,
    ...{ LIMN_HOME: home, LIMN_MODEL: model, ...(hubHome && { HF_HOME: hubHome }) },
    ...{ LIMN_PRECISION: precision, LIMN_PROVIDER: provider },
  }
  const command = fileURLToPath(new URL('./limn.ts', import.meta.url))
  const args = [command, 'models', 'optimize', name]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let kill: NodeJS.Timeout | undefined
  const end = () => {
    child.kill('SIGTERM')
    kill = setTimeout(() => child.kill('SIGKILL'), grace)
  }
  signal.addEventListener('abort', end, { once: true })
  if (child.pid) {
    try {
      os.setPriority(child.pid, os.constants.priority.PRIORITY_LOW)
    } catch {
      // It may have ended already.
    }
    // Where memory does not suffice for both, Linux shall end this one and not the server.
    writeFile(`/proc/${child.pid}/oom_score_adj`, '1000').catch(() => {})
  }
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-500)
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, killed) => {
      clearTimeout(kill)
      signal.removeEventListener('abort', end)
      resolve(
        code === 0 ? null : stderr.trim().split('\n').at(-1) || `ended with ${killed ?? `status ${code}`}`,
      )
    })
  })
}
