import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth'
import { complexityFromQuery } from '@pothos/plugin-complexity'
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  parse,
  type ValidationContext,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { limits } from '../../schema/limits.ts'
import { TooComplex } from '../../workers/errors.ts'

const refusal = (message: string) => {
  const cause = new TooComplex(message)
  return new GraphQLError(cause.message, { originalError: cause })
}

const reportInstead = (what: string, limit: number) => ({
  n: limit,
  exposeLimits: true,
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null) =>
      context?.reportError(
        refusal(`The document has more ${what} than the ${limit} that are taken. Split it.`),
      ),
  ],
})

/**
 * Bounds what a document may cost. Tokens, aliases and depth are known from the document alone, so Yoga's caches
 * of parsing and validation hold for them; the cost depends on the variables and is counted for every request.
 */
export function useLimits(): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string, options: object) => {
        try {
          return parse(source, { ...options, maxTokens: limits.tokens })
        } catch (error) {
          if (error instanceof GraphQLError && error.message.includes('tokens. Parsing aborted'))
            throw refusal(
              `The document has more than the ${limits.tokens} tokens that are taken. Use variables, or split it.`,
            )
          throw error
        }
      })
    },
    onValidate({ addValidationRule }) {
      addValidationRule(maxAliasesRule(reportInstead('aliases', limits.aliases)))
      addValidationRule(maxDepthRule({ ...reportInstead('levels', limits.depth), flattenFragments: true }))
    },
    onExecute({ args, setResultAndStopExecution }) {
      const cost = costOf(
        args.schema,
        args.document,
        args.variableValues,
        args.operationName,
        args.contextValue,
      )
      if (cost > limits.complexity)
        setResultAndStopExecution({
          errors: [
            refusal(
              `The request costs ${cost}; at most ${limits.complexity} is taken. Ask for fewer items or fewer fields of each.`,
            ),
          ],
        })
    },
  }
}

/** 0 where operation or variables are not valid: execution says what is wrong with them. */
function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Record<string, unknown> | null | undefined,
  operationName: string | null | undefined,
  ctx: object,
): number {
  const operation = getOperationAST(document, operationName)
  if (!operation) return 0
  // The plugin counts the first operation of a document.
  const others = document.definitions.filter(({ kind }) => kind !== Kind.OPERATION_DEFINITION)
  const asked = { ...document, definitions: [operation, ...others] }
  try {
    return complexityFromQuery(asked, { schema, ctx, variables: variables ?? {} }).complexity
  } catch (error) {
    if (error instanceof GraphQLError) return 0
    throw error
  }
}
