/** `limn models pull`: downloads a model from the hub, checks that it encodes and derives faster files. */
import path from 'node:path'
import { HubError } from '../../../workers/registry/hub/client.ts'
import { pullModel } from '../../../workers/registry/hub/pull.ts'
import type { Precision } from '../../../workers/registry/spec.ts'
import type { Config } from '../../config.ts'
import { bytes, progressOn } from '../shared/progress.ts'
import { optimizeModel, targetProvider } from './optimize.ts'
import { verify } from './verify.ts'

export async function pull(name: string, config: Config, precision: Precision | null): Promise<number> {
  if (config.hubOffline)
    throw new HubError(
      `HF_HUB_OFFLINE is set, so the model hub is not asked for "${name}". Unset it; \`limn models ls\` shows the models that are here.`,
    )
  const stop = new AbortController()
  const interrupt = () => stop.abort(new Error('Stopped. The same command goes on from here.'))
  process.once('SIGINT', interrupt)
  const progress = progressOn(process.stderr, name)
  try {
    const pulled = await pullModel({
      name,
      precision,
      hubUrl: config.hubUrl,
      token: config.hubToken,
      registryFolder: path.join(config.home, 'models'),
      signal: stop.signal,
      onProgress: ({ received, total }) => progress.update(received, total),
    })
    progress.end()
    console.log(`${name}: ${bytes(pulled.bytes)}, ${pulled.precision}, every checksum agrees.`)
  } catch (error) {
    progress.end()
    throw error
  } finally {
    process.off('SIGINT', interrupt)
  }
  const status = await verify(name, config)
  if (status === 0 && config.variant !== 'fp32')
    await optimizeModel(name, config, targetProvider(undefined, config)).catch((error: Error) =>
      console.error(`No faster files could be derived: ${error.message}`),
    )
  if (status === 0) console.log(`Start the server with LIMN_MODEL=${name} to make it the default.`)
  return status
}
