import { type DocumentNode, getOperationAST, OperationTypeNode } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { requireScope } from '../../schema/core/caller.ts'
import type { Context } from '../../schema/core/context.ts'

interface Operation {
  args: { document: DocumentNode; operationName?: string | null; contextValue: Context }
}

/** Queries and subscriptions need the scope `read`; each mutation names its own in its resolver. */
export function useScopes(): Plugin<Context> {
  const check = ({ args }: Operation) => {
    const operation = getOperationAST(args.document, args.operationName)?.operation
    if (operation !== OperationTypeNode.MUTATION) requireScope(args.contextValue, 'read')
  }
  return { onExecute: check, onSubscribe: check }
}
