import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth'
import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  getOperationAST,
  Lexer,
  parse,
  Source,
  TokenKind,
  type ValidationContext,
  validate,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { BadUserInput } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import { TooComplex } from '../errors.ts'
import { boundShape, coerceVariables, type Variables } from './coerce-variables.ts'
import { costOf } from './cost.ts'

const refusal = (message: string, limit: number, given?: number) => {
  const cause = new TooComplex(message, given === undefined ? { limit } : { limit, given })
  return new GraphQLError(cause.message, { originalError: cause })
}

const report = (what: string, limit: number) => ({
  n: limit,
  exposeLimits: true,
  propagateOnRejection: false,
  onReject: [
    (context: ValidationContext | null) =>
      context?.reportError(refusal(`The document has more than ${limit} ${what}. Split it.`, limit)),
  ],
})

/**
 * Bounds what a document and its variables may cost. Size, tokens, nesting, aliases and depth are known from the document
 * alone, so Yoga's caches of parsing and validation hold for them; the variables, and the cost, which depends on them, are
 * counted for every request.
 */
export function useLimits(): Plugin {
  const bound = (args: ExecutionArgs, stop: (result: { errors: GraphQLError[] }) => void) => {
    const errors = variableErrors(args)
    if (errors.length > 0) stop({ errors })
  }
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string, options: object) => {
        try {
          boundSource(source)
          return parse(source, { ...options, maxTokens: limits.tokens })
        } catch (error) {
          if (error instanceof GraphQLError && error.message.includes('tokens. Parsing aborted'))
            throw refusal(
              `The document has more than ${limits.tokens} tokens. Use variables, or split it.`,
              limits.tokens,
            )
          throw error
        }
      })
    },
    onValidate({ addValidationRule, setValidationFn }) {
      addValidationRule(maxAliasesRule(report('aliases', limits.aliases)))
      addValidationRule(maxDepthRule({ ...report('levels', limits.depth), flattenFragments: true }))
      setValidationFn(
        (
          schema: Parameters<typeof validate>[0],
          document: DocumentNode,
          rules: Parameters<typeof validate>[2],
        ) =>
          validate(schema, document, rules, {
            maxErrors: limits.documentErrors,
            // They compare a wrong value of an enum, which may be a long text, with every right one.
            hideSuggestions: (document.loc?.end ?? 0) > suggestedLength,
          }),
      )
    },
    onExecute: ({ args, setResultAndStopExecution }) => bound(args, setResultAndStopExecution),
    onSubscribe: ({ args, setResultAndStopExecution }) => bound(args, setResultAndStopExecution),
  }
}

/** Characters of a document in which names and values are few and short enough for suggestions. */
const suggestedLength = 20_000

const opening: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L])
const closing: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R])

/** The parser calls itself for each bracket inside another: thousands of them would exhaust its stack. */
function boundSource(document: string): void {
  if (document.length > limits.documentLength)
    throw refusal(
      `The document has ${document.length} characters; at most ${limits.documentLength} are read. Put texts and images into variables.`,
      limits.documentLength,
      document.length,
    )
  const lexer = new Lexer(new Source(document))
  let depth = 0
  // The parser refuses too many tokens; the lexer refuses a malformed one here as it would there.
  for (let count = 0; count <= limits.tokens; count++) {
    const { kind, line, start, end } = lexer.advance()
    if (line > limits.lines)
      throw refusal(
        `The document has more than ${limits.lines} lines. Use variables, or split it.`,
        limits.lines,
      )
    if (kind === TokenKind.EOF) return
    if (kind === TokenKind.NAME && end - start > limits.documentNameLength)
      throw refusal(
        `The document has a name of ${end - start} characters; at most ${limits.documentNameLength} are read.`,
        limits.documentNameLength,
        end - start,
      )
    if (closing.has(kind)) depth--
    if (opening.has(kind) && ++depth > limits.nesting)
      throw refusal(
        `The document has more than ${limits.nesting} brackets inside one another. Ask for fewer levels.`,
        limits.nesting,
      )
  }
}

/** Why the variables cannot be used, or the operation costs too much; nothing for an operation that does not exist. */
function variableErrors(args: ExecutionArgs): GraphQLError[] {
  const { schema, document, operationName } = args
  const operation = getOperationAST(document, operationName)
  if (!operation) return []
  const given = (args.variableValues ?? {}) as Variables
  try {
    boundShape(given)
    const coerced = coerceVariables(schema, operation, given)
    if ('errors' in coerced) return coerced.errors
    const context = args.contextValue as object
    const cost = costOf({ schema, document, operation, variables: coerced.values, context })
    if (cost <= limits.complexity) return []
    const message = `The request costs ${cost}; the limit is ${limits.complexity}. Ask for fewer items or fewer fields of each.`
    return [refusal(message, limits.complexity, cost)]
  } catch (error) {
    // Of an argument in the document: execution says the same in its place.
    if (error instanceof GraphQLError) return []
    if (error instanceof BadUserInput) return [new GraphQLError(error.message, { originalError: error })]
    throw error
  }
}
