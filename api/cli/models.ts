import { parseArgs } from 'node:util'
import { precisions } from '../../workers/registry/graph-files.ts'
import type { Precision } from '../../workers/registry/spec.ts'
import { type Config, readConfig } from '../config.ts'
import { listModels } from './models/list.ts'
import { optimizeModel, targetProvider } from './models/optimize.ts'
import { pull } from './models/pull.ts'
import { verify } from './models/verify.ts'
import { say, UsageError, withUsageErrors } from './shared/usage.ts'

const usage = `limn models ls                            the models of this server
limn models pull NAME [--precision fp16]  load one from the model hub (LIMN_HUB_URL), e.g. Xenova/clip-vit-base-patch32
limn models verify [NAME]                 encode the references of one, or of all, again and compare
limn models optimize NAME [--for gpu]     derive faster files, compare them with fp32 and measure their speed

Precisions: fp32, fp16, int8, uint8, q4, q4f16, bnb4; the best that the hub has when none is given. A pull that was
cut goes on where it was. What is pulled is in LIMN_HOME/models and is there at the server's next start. Private and
gated models need HF_TOKEN. Models that the Hugging Face tools have downloaded (HF_HOME) are used where they lie.
`

export const modelsCommand = withUsageErrors(
  async (args: string[], config: Config = readConfig(process.env).config): Promise<number> => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        precision: { type: 'string' },
        for: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const [action, name, ...more] = positionals
    const precision = parsePrecision(values.precision, config)
    if (values.help) return say(usage, 0)
    if (more.length === 0) {
      if (action === 'ls' && !name) return listModels(config)
      if (action === 'pull' && name) return pull(name, config, precision)
      if (action === 'verify') return verify(name, config)
      if (action === 'optimize' && name)
        return optimizeModel(name, config, targetProvider(values.for, config))
    }
    throw new UsageError(usage)
  },
)

/** Null where the best that there is will do. */
function parsePrecision(option: string | undefined, config: Config): Precision | null {
  const name = option ?? (config.precision === 'auto' ? null : config.precision)
  const known = precisions.map(([precision]) => precision)
  const precision = known.find((one) => one === name)
  if (name && !precision)
    throw new UsageError(`There is no precision "${name}"; known are ${known.join(', ')}.`)
  return precision ?? null
}
