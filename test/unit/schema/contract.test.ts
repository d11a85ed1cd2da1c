import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import {
  astFromValue,
  type ConstDirectiveNode,
  type DefinitionNode,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  Kind,
  type NamedTypeNode,
  parse,
  print,
  printSchema,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { schema } from '../../../schema/index.ts'

const file = path.resolve('..', 'shared', 'contract.graphql')

/** Everything that the contract says of one definition and our schema does not. */
function missing(definition: DefinitionNode): string[] {
  if (!('name' in definition) || !definition.name) return []
  const name = definition.name.value
  const type = schema.getType(name)
  if (!type) return [`type ${name}`]
  const problems: string[] = []
  const wants = (what: string, wanted: string, given: string | undefined) => {
    if (wanted !== given) problems.push(`${name}.${what}: ${wanted}, not ${given}`)
  }
  switch (definition.kind) {
    case Kind.SCALAR_TYPE_DEFINITION:
      break
    case Kind.ENUM_TYPE_DEFINITION: {
      const ours = isEnumType(type) ? type.getValues().map((value) => value.name) : []
      wants(
        'values',
        definition
          .values!.map((v) => v.name.value)
          .sort()
          .join(' '),
        [...ours].sort().join(' '),
      )
      break
    }
    case Kind.UNION_TYPE_DEFINITION: {
      const ours = isUnionType(type) ? type.getTypes().map((member) => member.name) : []
      wants('members', names(definition.types), [...ours].sort().join(' '))
      break
    }
    case Kind.INPUT_OBJECT_TYPE_DEFINITION: {
      if (!isInputObjectType(type)) return [`input ${name}`]
      const oneOf = (definition.directives ?? []).some((d: ConstDirectiveNode) => d.name.value === 'oneOf')
      wants('@oneOf', String(oneOf), String(type.isOneOf))
      for (const field of definition.fields!) {
        const ours = type.getFields()[field.name.value]
        wants(field.name.value, print(field.type), ours && String(ours.type))
        wants(`${field.name.value} default`, shown(field.defaultValue), ours && defaultOf(ours))
      }
      break
    }
    case Kind.OBJECT_TYPE_DEFINITION: {
      if (!isObjectType(type) && !isInterfaceType(type)) return [`type ${name}`]
      for (const wanted of definition.interfaces ?? [])
        if (!type.getInterfaces().some((one) => one.name === wanted.name.value))
          problems.push(`${name} implements ${wanted.name.value}`)
      for (const field of definition.fields!) {
        const ours = type.getFields()[field.name.value]
        wants(field.name.value, print(field.type), ours && String(ours.type))
        for (const arg of field.arguments ?? []) {
          const own = ours?.args.find((one) => one.name === arg.name.value)
          wants(`${field.name.value}(${arg.name.value}:)`, print(arg.type), own && String(own.type))
          wants(
            `${field.name.value}(${arg.name.value}:) default`,
            shown(arg.defaultValue),
            own && defaultOf(own),
          )
        }
      }
      break
    }
    default:
      problems.push(`${name}: the test does not know how to compare a ${definition.kind}`)
  }
  return problems
}

const names = (nodes: readonly NamedTypeNode[] | undefined) =>
  (nodes ?? [])
    .map((n) => n.name.value)
    .sort()
    .join(' ')
const shown = (value: Parameters<typeof print>[0] | undefined) => (value ? print(value) : 'none')
function defaultOf({
  defaultValue,
  type,
}: {
  defaultValue?: unknown
  type: Parameters<typeof astFromValue>[1]
}): string {
  return defaultValue === undefined ? 'none' : print(astFromValue(defaultValue, type)!)
}

describe.skipIf(!existsSync(file))('the contract', () => {
  const definitions = existsSync(file) ? parse(readFileSync(file, 'utf8')).definitions : []

  it('the contract has definitions', () => expect(definitions.length).toBeGreaterThan(25))

  it('the test notices missing fields and types', () => {
    const [wrong] = parse('type Asset { name: String, nope(a: Int! = 2): Int! }').definitions
    expect(missing(wrong!)).toHaveLength(4)
  })

  for (const definition of definitions)
    it(`the schema has ${'name' in definition && definition.name ? definition.name.value : definition.kind} as the contract says`, () =>
      expect(missing(definition)).toEqual([]))
})

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
})
