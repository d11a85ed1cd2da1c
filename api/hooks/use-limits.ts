import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth'
import { complexityFromQuery } from '@pothos/plugin-complexity'
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  Lexer,
  parse,
  Source,
  TokenKind,
  type ValidationContext,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { limits } from '../../workers/limits.ts'
import { TooComplex } from '../errors.ts'

const refusal = (message: string) => {
  const cause = new TooComplex(message)
  return new GraphQLError(cause.message, { originalError: cause })
}

const report = (what: string, limit: number) => ({
  n: limit,
  exposeLimits: true,
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null) =>
      context?.reportError(refusal(`The document has more than ${limit} ${what}. Split it.`)),
  ],
})

/**
 * Bounds what a document may cost. Tokens, nesting, aliases and depth are known from the document alone, so Yoga's caches
 * of parsing and validation hold for them; the cost depends on the variables and is counted for every request.
 */
export function useLimits(): Plugin {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string, options: object) => {
        try {
          boundNesting(source)
          return parse(source, { ...options, maxTokens: limits.tokens })
        } catch (error) {
          if (error instanceof GraphQLError && error.message.includes('tokens. Parsing aborted'))
            throw refusal(`The document has more than ${limits.tokens} tokens. Use variables, or split it.`)
          throw error
        }
      })
    },
    onValidate({ addValidationRule }) {
      addValidationRule(maxAliasesRule(report('aliases', limits.aliases)))
      addValidationRule(maxDepthRule({ ...report('levels', limits.depth), flattenFragments: true }))
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
              `The request costs ${cost}; the limit is ${limits.complexity}. Ask for fewer items or fewer fields of each.`,
            ),
          ],
        })
    },
  }
}

const opening: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L])
const closing: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R])

/** The parser calls itself for each bracket inside another: thousands of them would exhaust its stack. */
function boundNesting(document: string): void {
  const lexer = new Lexer(new Source(document))
  let depth = 0
  // The parser refuses too many tokens; the lexer refuses a malformed one here as it would there.
  for (let count = 0; count <= limits.tokens; count++) {
    const { kind } = lexer.advance()
    if (kind === TokenKind.EOF) return
    if (closing.has(kind)) depth--
    if (opening.has(kind) && ++depth > limits.nesting)
      throw refusal(
        `The document has more than ${limits.nesting} brackets inside one another. Ask for fewer levels.`,
      )
  }
}

/** 0 for an invalid operation or invalid variables: execution says what is wrong with them. */
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
  const counted = { ...document, definitions: [operation, ...others] }
  try {
    return complexityFromQuery(counted, { schema, ctx, variables: variables ?? {} }).complexity
  } catch (error) {
    if (error instanceof GraphQLError) return 0
    throw error
  }
}
