import { getOperationAST, type OperationDefinitionNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Metrics } from '../metrics.ts'

/** Times the execution of each operation. */
export function useMetrics(metrics: Pick<Metrics, 'startRequest'>): Plugin {
  return {
    onExecute({ args }) {
      const end = metrics.startRequest(operationLabel(getOperationAST(args.document, args.operationName)))
      return {
        onExecuteDone({ result }) {
          end('errors' in result && result.errors?.length ? 'error' : 'ok')
        },
      }
    },
  }
}

/** The root field, a name of the schema: a caller's own names would make a time series each. */
function operationLabel(operation: OperationDefinitionNode | null | undefined): string {
  const [only, ...more] = operation?.selectionSet.selections ?? []
  if (!only || more.length > 0) return 'several'
  return only.kind === 'Field' ? only.name.value : 'fragment'
}
