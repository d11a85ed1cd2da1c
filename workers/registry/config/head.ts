/** Scale and bias of a model's logits. */
import type { Head } from '../../similarity/probability.ts'
import type { Family } from '../families.ts'
import type { LogitScalars } from './folder-config.ts'
import type { Json } from './json.ts'

/** Where training begins: ln(1 / 0.07) (Radford et al. 2021). */
const initialLogitScale = 2.6592

/**
 * Scale and bias from the most certain place that has them: `scalars` (limn.json of the folder, then the initializers
 * of those names in the ONNX files), config.json's `logit_scale`, and last its `logit_scale_init_value`. That one is the
 * value training began with, and the trained one only where the exporter wrote it back: a published CLIP whose config
 * still has the initial value has learned the family's scale. A folder that says nothing gets the family's head.
 */
export function readHead({ head }: Family, config: Json, scalars: LogitScalars): Head {
  const stated: number | undefined =
    scalars.logit_scale ?? config.logit_scale ?? config.logit_scale_init_value ?? undefined
  const scale = stated === undefined ? head.scale : scaleOf(stated)
  if (head.kind === 'sigmoid')
    return {
      kind: 'sigmoid',
      scale,
      bias: scalars.logit_bias ?? config.logit_bias ?? config.logit_bias_init_value ?? head.bias,
    }
  const published = Boolean(config._name_or_path || config.transformers_version)
  const learned = scalars.logit_scale !== undefined
  const initial = stated !== undefined && Math.abs(stated - initialLogitScale) < 1e-3
  return published && initial && !learned ? head : { kind: 'softmax', scale }
}

/** From the logarithm; an exporter that folded the exponential left the scale itself, which is above any logarithm. */
const scaleOf = (stated: number) => (stated > 10 ? stated : Math.exp(stated))
