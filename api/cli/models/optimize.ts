/** `limn models optimize`: derives faster files of a model. */
import path from 'node:path'
import { availableProviders } from '../../../workers/encode/choose-provider.ts'
import type { Provider } from '../../../workers/runtime/provider.ts'
import { optimize } from '../../../workers/variants/optimize.ts'
import { openRegistry } from '../../app.ts'
import type { Config } from '../../config.ts'
import { type Progress, progressOn } from '../shared/progress.ts'
import { UsageError } from '../shared/usage.ts'
import { describeRecord } from './describe-record.ts'

/** The provider that files are derived for: `cpu`, or for `gpu` the configured one, else the first that is available. */
export function targetProvider(option: string | undefined, config: Config): Provider {
  const configured = config.provider === 'auto' ? null : config.provider
  if (option === undefined) return configured ?? 'cpu'
  if (option === 'cpu') return 'cpu'
  if (option !== 'gpu') throw new UsageError(`--for takes cpu or gpu, not "${option}".`)
  const gpu =
    configured && configured !== 'cpu'
      ? configured
      : availableProviders().find((provider) => provider !== 'cpu')
  if (!gpu)
    throw new UsageError('There is no GPU provider on this machine. LIMN_PROVIDER names one to try anyway.')
  return gpu
}

export async function optimizeModel(name: string, config: Config, provider: Provider): Promise<number> {
  const spec = await openRegistry({ ...config, variant: 'fp32' }).get(name)
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error('Stopped.'))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const shown: { progress?: Progress; activity?: string } = {}
  try {
    const record = await optimize(spec, {
      cacheFolder: path.join(config.home, 'cache'),
      provider,
      signal: stop.signal,
      onProgress(done, total, activity) {
        if (activity !== shown.activity) {
          shown.progress?.end()
          shown.progress = progressOn(process.stderr, `${name}: ${activity}`, (amount) => amount.toFixed(0))
          shown.activity = activity
        }
        shown.progress!.update(done, total)
      },
    })
    console.log(describeRecord(await openRegistry(config).get(name), provider, record))
    return 0
  } finally {
    shown.progress?.end()
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}
