import type { NodeContext } from './node-context.ts'
import type { Gradients, Rule } from './rules/rule.ts'

/**
 * The gradients that a rule gives for a node's inputs, of which there are never more than inputs.
 * @throws GraphError when an input that needs a gradient comes after those that the rule covers
 */
export function applyRule(rule: Rule, node: NodeContext): Gradients {
  const gradients = rule(node)
  const { inputs, opType } = node
  if (gradients.length > inputs.length)
    throw new Error(
      `The rule for ${opType} gives ${gradients.length} gradients for ${inputs.length} inputs. This is a bug.`,
    )
  for (let i = gradients.length; i < inputs.length; i++)
    if (node.needsGrad(i)) node.refuse(`an input ${i} that depends on the image`)
  return gradients
}
