/**
 * Scale and bias of a model's logits, from the most certain place that has them. In order:
 *
 * 1. `limn.json` of the folder: somebody wrote it for Limn.
 * 2. The graphs that serve: they hold what training learned.
 * 3. The other graphs of the folder, those of the same precision first: a file of the logits alone, or the model whole.
 * 4. `logit_scale` and `logit_bias` of config.json.
 * 5. `logit_scale_init_value` and `logit_bias_init_value` of config.json. That is where training began, and the learned
 *    value only where the exporter wrote it back: a published CLIP whose config still has the initial value has learned
 *    the family's scale.
 * 6. The family's head.
 */
import { ModelFolderError } from '../../errors.ts'
import type { Head } from '../../similarity/probability.ts'
import type { Family } from '../families.ts'
import type { LogitScalars } from './folder-config.ts'
import type { Json } from './json.ts'

/** Where training begins: ln(1 / 0.07) (Radford et al. 2021). */
const initialLogitScale = 2.6592

/** `scalars` are those of the first three places. @throws ModelFolderError */
export function readHead({ head }: Family, config: Json, scalars: LogitScalars): Head {
  const stated = first(scalars, config, 'logit_scale')
  const scale = stated === undefined ? head.scale : scaleOf(stated)
  if (head.kind === 'sigmoid')
    return { kind: 'sigmoid', scale, bias: first(scalars, config, 'logit_bias') ?? head.bias }
  const published = Boolean(config._name_or_path || config.transformers_version)
  const learned = scalars.logit_scale !== undefined
  const initial = stated !== undefined && Math.abs(stated - initialLogitScale) < 1e-3
  return published && initial && !learned ? head : { kind: 'softmax', scale }
}

function first(scalars: LogitScalars, config: Json, field: keyof LogitScalars): number | undefined {
  const value = scalars[field] ?? config[field] ?? config[`${field}_init_value`] ?? undefined
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value
  throw new ModelFolderError(`${field} is ${JSON.stringify(value)}, which is no number.`)
}

/** From the logarithm; an exporter that folded the exponential left the scale itself, which is above any logarithm. */
const scaleOf = (stated: number) => (stated > 10 ? stated : Math.exp(stated))

/** The usual names of the scalars: alone, behind the path of a module, and in other notations. */
const usual: [keyof LogitScalars, RegExp][] = [
  ['logit_scale', /(^|[./:_])(logit_scale|logitScale)(:0)?$/],
  ['logit_bias', /(^|[./:_])(logit_bias|logitBias)(:0)?$/],
]

/** Which of them a family's head has. */
export const scalarsOf = ({ head }: Family): (keyof LogitScalars)[] =>
  head.kind === 'sigmoid' ? ['logit_scale', 'logit_bias'] : ['logit_scale']

/** Scale and bias among a graph's named scalars. */
export function logitScalars(scalars: ReadonlyMap<string, number>): LogitScalars {
  const found: LogitScalars = {}
  for (const [name, value] of scalars)
    for (const [field, pattern] of usual)
      if (pattern.test(name) && Number.isFinite(value)) found[field] ??= value
  return found
}
