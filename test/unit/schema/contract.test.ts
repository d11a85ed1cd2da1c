/** The schema as its callers may rely on it. */
import { readFileSync } from 'node:fs'
import {
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  parse,
  printSchema,
  validate,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { scopes } from '../../../schema/core/caller.ts'
import { breakingChanges, unstatedChanges } from '../../../schema/diff.ts'
import { enforceScopes } from '../../../schema/enforce-scopes.ts'
import { schema } from '../../../schema/index.ts'
import { operationsOf } from '../../../schema/server.ts'

const roots = [schema.getQueryType()!, schema.getMutationType()!, schema.getSubscriptionType()!]
const rootFields = roots.flatMap((type) =>
  Object.values(type.getFields()).map((field) => ({ path: `${type.name}.${field.name}`, field })),
)

describe('schema.graphql', () => {
  it('schema.graphql is the schema as printed (npm run schema writes it)', () => {
    expect(`${printSchema(schema)}\n`).toBe(readFileSync('schema/schema.graphql', 'utf8'))
  })

  it('every type, field, argument and value has a description', () => {
    const bare: string[] = []
    const told = (path: string, { description }: { description?: string | null }) => {
      if (!description?.trim()) bare.push(path)
    }
    for (const type of Object.values(schema.getTypeMap())) {
      if (type.name.startsWith('__')) continue
      told(type.name, type)
      if (isEnumType(type)) for (const value of type.getValues()) told(`${type.name}.${value.name}`, value)
      if (isInputObjectType(type) || isObjectType(type) || isInterfaceType(type))
        for (const field of Object.values(type.getFields())) {
          told(`${type.name}.${field.name}`, field)
          if ('args' in field)
            for (const arg of field.args) told(`${type.name}.${field.name}(${arg.name}:)`, arg)
        }
    }
    expect(bare).toEqual([])
  })

  it('every root field states its scope, in its description and for programs', () => {
    for (const { name, scope } of operationsOf(schema)) expect(scopes, name).toContain(scope)
    for (const { path, field } of rootFields)
      expect(field.description, path).toContain(`Needs the scope \`${field.extensions.scope}\`.`)
  })

  it('every field below the roots that encodes or searches needs a scope too, and says so', () => {
    const below = Object.values(schema.getTypeMap())
      .filter((type) => isObjectType(type) && !roots.includes(type))
      .flatMap((type) =>
        Object.values((type as GraphQLObjectType).getFields()).map((field) => ({ type, field })),
      )
      .filter(({ field }) => field.extensions.scope !== undefined)
    for (const { field } of below)
      expect(field.description).toContain(`Needs the scope \`${field.extensions.scope}\`.`)
    expect(below.map(({ type, field }) => `${type.name}.${field.name}`).sort()).toEqual([
      'Asset.embedding',
      'Asset.similar',
      'Embedding.similarity',
      'Model.canGuide',
    ])
  })

  it('a root field that states no scope cannot be served', () => {
    const open = new GraphQLObjectType({ name: 'Query', fields: { open: { type: GraphQLString } } })
    expect(() => enforceScopes(new GraphQLSchema({ query: open }))).toThrow('Query.open states no scope')
  })

  it('every root field has an example, which is valid', () => {
    for (const { path, field } of rootFields) {
      const [, example] = /```graphql\n(.*?)\n```/s.exec(field.description ?? '') ?? []
      expect(example, path).toBeDefined()
      expect(validate(schema, parse(example!)), path).toEqual([])
    }
  })

  it('every root field that can fail is nullable: it takes no other with it', () => {
    const required = rootFields.filter(({ field }) => String(field.type).endsWith('!'))
    expect(required.map(({ path }) => path)).toEqual(['Query.server'])
  })

  it('every mutation takes one input and answers a payload with user errors', () => {
    for (const field of Object.values(schema.getMutationType()!.getFields())) {
      const name = field.name[0]!.toUpperCase() + field.name.slice(1)
      expect(field.args.map(({ name, type }) => `${name}: ${type}`)).toEqual([`input: ${name}Input!`])
      expect(String(field.type)).toBe(`${name}Payload`)
      const payload = schema.getType(`${name}Payload`) as GraphQLObjectType
      expect(String(payload.getFields().userErrors?.type)).toBe('[UserError!]!')
    }
  })

  it('every connection has edges, nodes, pageInfo and totalCount, and takes first and after', () => {
    const types = Object.values(schema.getTypeMap()).filter(isObjectType)
    const connections = types.filter(({ name }) => name.endsWith('Connection'))
    expect(connections.length).toBeGreaterThanOrEqual(3)
    for (const connection of connections)
      expect(Object.keys(connection.getFields())).toEqual(
        expect.arrayContaining(['edges', 'nodes', 'pageInfo', 'totalCount']),
      )
    for (const type of types.filter(({ name }) => !name.startsWith('__')))
      for (const field of Object.values(type.getFields()))
        if (String(field.type).replace('!', '').endsWith('Connection'))
          expect(
            field.args.map(({ name }) => name),
            `${type.name}.${field.name}`,
          ).toEqual(expect.arrayContaining(['first', 'after']))
  })

  it('a field name means one thing below node and in every union', () => {
    const clashes: string[] = []
    for (const abstract of Object.values(schema.getTypeMap()).filter(isAbstractType)) {
      const types = new Map<string, string>()
      for (const type of schema.getPossibleTypes(abstract))
        for (const field of Object.values(type.getFields())) {
          const known = types.get(field.name)
          if (known !== undefined && known !== String(field.type))
            clashes.push(`${abstract.name}: ${type.name}.${field.name} is ${field.type}, elsewhere ${known}`)
          types.set(field.name, String(field.type))
        }
    }
    expect(clashes).toEqual([])
  })
})

describe('compatibility', () => {
  it('a change that breaks callers has an entry in docs/compatibility.md', () => {
    expect(unstatedChanges()).toEqual([])
  })

  it('the comparison notices a field that is gone', () => {
    const without = printSchema(schema).replace('  contentHash: String!', '  digest: String!')
    const [change] = breakingChanges(printSchema(schema), without)
    expect(change).toMatch(/contentHash was removed/)
  })
})
