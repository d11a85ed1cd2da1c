/** The cost of an operation, by the `complexity` of each field in schema/. */
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import type { Variables } from './coerce-variables.ts'

/** What @pothos/plugin-complexity keeps in a field's extensions. */
type Complexity = number | { field?: number; multiplier?: number }
type FieldComplexity = Complexity | ((args: object, context: object, field: unknown) => Complexity)

interface CostOptions {
  schema: GraphQLSchema
  document: DocumentNode
  operation: OperationDefinitionNode
  /** Coerced. */
  variables: Variables
  context: object
}

/**
 * Counts as @pothos/plugin-complexity does, whose own function would coerce the variables once more: 1 a field, with its
 * selection times 10 for a list, unless the field says otherwise.
 * @throws GraphQLError for arguments that cannot be used
 */
export function costOf({ schema, document, operation, variables, context }: CostOptions): number {
  const fragments = new Map(
    document.definitions.flatMap((one) =>
      one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [],
    ),
  )
  // A fragment that is spread often is counted once.
  const counted = new Map<SelectionSetNode, Map<GraphQLNamedType, number>>()

  function costOfSelections(set: SelectionSetNode, type: GraphQLNamedType): number {
    const known = counted.get(set)?.get(type)
    if (known !== undefined) return known
    let cost = 0
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        cost += costOfField(selection, type)
        continue
      }
      const fragment =
        selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value)! : selection
      const condition = fragment.typeCondition?.name.value
      cost += costOfSelections(
        fragment.selectionSet,
        condition === undefined ? type : schema.getType(condition)!,
      )
    }
    counted.set(set, (counted.get(set) ?? new Map()).set(type, cost))
    return cost
  }

  function costOfField(node: FieldNode, type: GraphQLNamedType): number {
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined
    // __typename, __schema: their selections cost nothing.
    if (!field) return 1
    let complexity = field.extensions.complexity as FieldComplexity | undefined
    if (typeof complexity === 'function')
      complexity = complexity(getArgumentValues(field, node, variables), context, field)
    const { field: own = 1, multiplier = isListType(getNullableType(field.type)) ? 10 : 1 } =
      typeof complexity === 'number' ? { field: complexity } : (complexity ?? {})
    const inner = node.selectionSet ? costOfSelections(node.selectionSet, getNamedType(field.type)) : 0
    return own + inner * Math.max(multiplier, 0)
  }

  return costOfSelections(operation.selectionSet, schema.getRootType(operation.operation)!)
}
