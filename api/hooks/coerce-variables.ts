/** The variables of an operation as their types say, refused at the first few errors and with short words. */
import {
  GraphQLError,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLSchema,
  isInputObjectType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  type VariableDefinitionNode,
  valueFromAST,
} from 'graphql'
import { BadUserInput, echoed } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'

export type Variables = Readonly<Record<string, unknown>>

/** Values of the request's JSON; an upload is none. */
const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && typeof (value as File).bytes !== 'function'

/**
 * Bounds the lists and objects of variables, before their types are known.
 * @throws BadUserInput naming the place
 */
export function boundShape(variables: Variables): void {
  let values = 0
  const check = (place: string, what: string, given: number, limit: number) => {
    if (given > limit)
      throw new BadUserInput(
        `${echoed(place, 200)} has ${given} ${what}; at most ${limit} go in one request. Split it.`,
        { argument: echoed(place, 200), limit, given },
      )
  }
  const walk = (container: object, place: () => string, depth: number) => {
    const entries = Array.isArray(container) ? container : Object.values(container)
    if (depth > limits.valueDepth) check(place(), 'levels', depth, limits.valueDepth)
    const [what, limit] = Array.isArray(container)
      ? (['entries', limits.listEntries] as const)
      : (['keys', limits.objectKeys] as const)
    if (entries.length > limit) check(place(), what, entries.length, limit)
    values += entries.length
    if (values > limits.values) check('variables', 'values', values, limits.values)
    const keys = Array.isArray(container) ? null : Object.keys(container)
    entries.forEach((value, index) => {
      const key = keys?.[index]
      if (key !== undefined && key.length > limits.nameLength)
        check(`a key of ${place()}`, 'characters', key.length, limits.nameLength)
      if (isContainer(value))
        walk(value, () => (key === undefined ? `${place()}[${index}]` : `${place()}.${key}`), depth + 1)
    })
  }
  walk(variables, () => 'variables', 1)
}

/** Ends the coercion: the answer lists enough errors. */
const enough = Symbol('enough errors')

/** One or the other: values of every variable that is given or has a default, or the first few errors. */
export function coerceVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  given: Variables,
): { values: Record<string, unknown> } | { errors: GraphQLError[] } {
  const errors: GraphQLError[] = []
  const values: Record<string, unknown> = {}
  try {
    for (const definition of operation.variableDefinitions ?? []) {
      const report = (message: string) => {
        errors.push(refusal(message, definition))
        if (errors.length >= limits.variableErrors) throw enough
      }
      coerceVariable(schema, definition, given, values, report)
    }
  } catch (error) {
    if (error !== enough) throw error
  }
  return errors.length > 0 ? { errors } : { values }
}

/** Of a well-formed request that cannot be executed: the draft of GraphQL over HTTP sets the status. */
const refusal = (message: string, definition: VariableDefinitionNode) =>
  new GraphQLError(message, {
    nodes: definition,
    extensions: {
      code: 'BAD_USER_INPUT',
      argument: `$${definition.variable.name.value}`,
      http: { spec: true, status: 400 },
    },
  })

function coerceVariable(
  schema: GraphQLSchema,
  definition: VariableDefinitionNode,
  given: Variables,
  values: Record<string, unknown>,
  report: (message: string) => void,
): void {
  const name = definition.variable.name.value
  // Validation has seen to it that the type exists and is one of inputs.
  const type = typeFromAST(schema, definition.type as never) as unknown as GraphQLInputType
  const value = Object.hasOwn(given, name) ? given[name] : undefined
  if (value === undefined) {
    if (definition.defaultValue) values[name] = valueFromAST(definition.defaultValue, type)
    else if (isNonNullType(type)) report(`Variable "$${name}" of required type "${type}" was not provided.`)
    return
  }
  if (value === null && isNonNullType(type)) {
    report(`Variable "$${name}" of non-null type "${type}" must not be null.`)
    return
  }
  values[name] = coerce(value, type, '', (path, invalid, reason) => {
    const place = path === '' ? '' : ` at "${name}${path}"`
    report(
      `Variable "$${name}" got invalid value ${echoed(brief(invalid))}${echoed(place, 300)}; ${echoed(reason, 300)}`,
    )
  })
}

type Report = (path: string, value: unknown, reason: string) => void

/** As graphql-js coerces input values, without its suggestions: they compare a key with every field. */
function coerce(value: unknown, type: GraphQLInputType, path: string, report: Report): unknown {
  if (isNonNullType(type)) {
    if (value != null) return coerce(value, type.ofType, path, report)
    return report(path, value, `Expected non-nullable type "${type}" not to be null.`)
  }
  if (value == null) return null
  if (isListType(type)) {
    if (!Array.isArray(value)) return [coerce(value, type.ofType, path, report)]
    return value.map((item, index) => coerce(item, type.ofType, `${path}[${index}]`, report))
  }
  if (isInputObjectType(type)) return coerceObject(value, type, path, report)
  return coerceLeaf(value, type, path, report)
}

function coerceObject(value: unknown, type: GraphQLInputObjectType, path: string, report: Report): unknown {
  if (!isContainer(value) || Array.isArray(value))
    return report(path, value, `Expected type "${type.name}" to be an object.`)
  const given = value as Variables
  const fields = type.getFields()
  const coerced: Record<string, unknown> = Object.create(null)
  for (const name of Object.keys(given))
    if (!fields[name]) report(path, value, `Field "${name}" is not defined by type "${type.name}".`)
  for (const field of Object.values(fields)) {
    const own = Object.hasOwn(given, field.name) ? given[field.name] : undefined
    if (own !== undefined) coerced[field.name] = coerce(own, field.type, `${path}.${field.name}`, report)
    else if (field.defaultValue !== undefined) coerced[field.name] = field.defaultValue
    else if (isNonNullType(field.type))
      report(path, value, `Field "${field.name}" of required type "${field.type}" was not provided.`)
  }
  if (!type.isOneOf) return coerced
  const keys = Object.keys(coerced)
  if (keys.length !== 1)
    report(path, value, `Exactly one key must be specified for OneOf type "${type.name}".`)
  else if (coerced[keys[0]!] === null)
    report(`${path}.${keys[0]}`, null, `Field "${keys[0]}" must be non-null.`)
  return coerced
}

/** Leaves that take a text of any length. */
const textual: ReadonlySet<string> = new Set(['String', 'ID', 'Vector', 'URL', 'DateTime'])

function coerceLeaf(value: unknown, type: GraphQLLeafType, path: string, report: Report): unknown {
  // No leaf takes a list or an object, and none but a text a long text: the reason repeats the value.
  const safe = isContainer(value) || (typeof value === 'string' && !textual.has(type.name))
  try {
    const parsed = type.parseValue(safe ? shorten(value) : value)
    if (parsed !== undefined) return parsed
    report(path, value, `Expected type "${type.name}".`)
  } catch (error) {
    if (error === enough) throw error
    report(path, value, error instanceof GraphQLError ? error.message : `Expected type "${type.name}".`)
  }
}

const shownLength = 400

/** The value without the parts that no message shows. */
function shorten(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.slice(0, shownLength)
  if (!isContainer(value)) return value
  if (depth > 2) return Array.isArray(value) ? [] : {}
  if (Array.isArray(value)) return value.slice(0, 10).map((item) => shorten(item, depth + 1))
  const entries = Object.entries(value).slice(0, 10)
  return Object.fromEntries(entries.map(([key, item]) => [key, shorten(item, depth + 1)]))
}

/** A value as a message shows it. */
function brief(value: unknown): string {
  const short = shorten(value)
  if (typeof short === 'string') return JSON.stringify(short)
  if (!isContainer(short)) return typeof short === 'object' && short !== null ? 'an upload' : String(short)
  if (Array.isArray(short)) return `[${short.map(brief).join(', ')}]`
  const entries = Object.entries(short).map(([key, item]) => `${key}: ${brief(item)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}
