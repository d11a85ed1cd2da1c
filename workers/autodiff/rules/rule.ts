import type { NodeContext } from '../node-context.ts'

/** The gradient with respect to each input, in order; null where none flows. */
export type Gradients = (string | null)[]

/**
 * Writes the nodes of a node's gradients. The list may end early: inputs after its end carry no gradient, such as
 * shapes, indices and statistics, so that a rule need not know which optional inputs the node has.
 */
export type Rule = (o: NodeContext) => Gradients

export type Rules = Record<string, Rule>
