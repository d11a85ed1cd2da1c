/** No request, however it is formed, holds the server's event loop or fills its memory before it is refused. */
// cspell:ignore asse Strin
import http from 'node:http'
import {
  type GraphQLArgument,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLOutputType,
  getNamedType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../../../schema/index.ts'
import { uniform } from '../../../workers/random.ts'
import { type WatchedServer, watchedServer } from '../../support/watched-server.ts'

/** The goal is 50 ms on a machine of its own; tests share theirs with others. */
const maxHeldMs = 250
const maxGrowth = 500 * 2 ** 20

let server: WatchedServer
let before: number
beforeAll(async () => {
  console.log(`seed ${seed} (LIMN_TEST_SEED repeats it)`)
  server = await watchedServer()
  await send('application/json', '{"query":"{ models { id } }"}')
  before = (await server.look()).rss
})
afterAll(() => server?.close())

function send(type: string, body: string | Buffer, headers = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = http.request(
      `${server.url}/graphql`,
      {
        method: 'POST',
        agent: false,
        headers: { 'content-type': type, 'x-limn-client': 'test', ...headers },
      },
      (res) => {
        let text = ''
        res.on('data', (chunk) => {
          text += chunk
        })
        res.on('end', () => resolve({ status: res.statusCode!, body: text }))
      },
    )
    req.on('error', reject)
    req.end(body)
  })
}

/** Sends it and answers what it did to the server, which must still be there. */
async function attack(type: string, body: string | Buffer, headers = {}) {
  await server.look()
  const answer = await send(type, body, headers)
  const { heldMs, rss } = await server.look()
  const health = await fetch(`${server.url}/health`)
  expect(health.status).toBe(200)
  expect({ held: heldMs < maxHeldMs || heldMs, grown: rss - before < maxGrowth || rss - before }).toEqual({
    held: true,
    grown: true,
  })
  return answer
}

const many = (one: string, count: number) => Array(count).fill(one).join(',')

/** Values as JSON text, by what is wrong with them. */
const shapes: Record<string, string> = {
  nulls: `[${many('null', 100_000)}]`,
  'empty objects': `[${many('{}', 100_000)}]`,
  'empty objects within the limits': `[${many('{}', 20_000)}]`,
  'empty lists': `[${many('[]', 100_000)}]`,
  'numbers of another type': `[${many('1.5', 100_000)}]`,
  'numbers within the limits': `[${many('1.5', 30_000)}]`,
  'unknown keys': `{${Array.from({ length: 300_000 }, (_, n) => `"k${n}":1`).join(',')}}`,
  'unknown keys within the limits': `{${Array.from({ length: 1000 }, (_, n) => `"k${n}":1`).join(',')}}`,
  'unknown keys of many objects': `[${many('{"a":1,"b":2,"c":3}', 10_000)}]`,
  'a repeated key': `{${many('"text":"a"', 100_000)}}`,
  'lists inside one another': '['.repeat(20_000) + ']'.repeat(20_000),
  'lists inside one another within the limits': '['.repeat(30) + ']'.repeat(30),
  'objects inside one another': `${'{"concept":'.repeat(20_000)}null${'}'.repeat(20_000)}`,
  'a long text': `"${'x'.repeat(4_000_000)}"`,
  'a long text of quotes': `"${'\\"'.repeat(1_000_000)}"`,
  'a long key': `{"${'x'.repeat(2_000_000)}":1}`,
  'many long texts': `[${many(`"${'x'.repeat(1000)}"`, 3000)}]`,
  'a long number': '9'.repeat(1_000_000),
  'a number beyond all': '1e400',
  blanks: `${' '.repeat(4_000_000)}1`,
  'a prototype': '{"__proto__":{"text":"a"},"constructor":{"prototype":{}}}',
  '__proto__ inside one another': `${'{"__proto__":'.repeat(20)}1${'}'.repeat(20)}`,
}

const samples: Record<string, unknown> = {
  ID: 'none',
  String: 'a',
  Int: 1,
  ConceptInput: { text: 'a' },
  ImageInput: { assetId: 'none' },
  Generator: 'PIXELS',
}

/** A value that passes; none of them does lasting work. */
function sample(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return sample(type.ofType)
  if (isListType(type)) return [sample(type.ofType)]
  if (!(type.name in samples) && isInputObjectType(type))
    return Object.fromEntries(
      Object.values(type.getFields())
        .filter((field) => isNonNullType(field.type) && field.defaultValue === undefined)
        .map((field) => [field.name, sample(field.type)]),
    )
  return samples[type.name] ?? null
}

const seed = Number(process.env.LIMN_TEST_SEED ?? Date.now() % 1_000_000)
const random = uniform(seed)
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!

/** Stands for the shape in a generated value. */
const hole = '(the shape)'

/** A value of the type with the hole at some place in it. */
function withHole(type: GraphQLInputType, depth = 0): unknown {
  if (isNonNullType(type)) return withHole(type.ofType, depth)
  if (depth > 4 || random() < 0.2 || isLeafType(type)) return hole
  if (isListType(type)) {
    const before = Math.floor(random() * 3)
    return [...Array(before).fill(sample(type.ofType)), withHole(type.ofType, depth + 1)]
  }
  const field = pick(Object.values((type as GraphQLInputObjectType).getFields()))
  return { ...(sample(type) as object), [field.name]: withHole(field.type, depth + 1) }
}

/** Fresh ones each time that the test runs: LIMN_TEST_REPEAT makes a hundred of each argument. */
const generated = 8
const generatedShapes = (type: GraphQLInputType): [string, string][] =>
  Array.from({ length: generated }, () => {
    const shape = pick(Object.keys(shapes))
    const value = JSON.stringify(withHole(type))
    return [`${shape} in ${value}`, value.replace(JSON.stringify(hole), () => shapes[shape]!)]
  })

interface RootArgument {
  operation: string
  field: string
  argument: GraphQLArgument
  document: string
  others: [string, unknown][]
}

const rootArguments: RootArgument[] = (['query', 'mutation', 'subscription'] as const).flatMap((operation) =>
  Object.values(
    (
      schema.getRootType(operation as never) as { getFields(): Record<string, any> } | undefined
    )?.getFields() ?? {},
  ).flatMap((field) =>
    (field.args as GraphQLArgument[]).map((argument) => {
      const needed = (field.args as GraphQLArgument[]).filter(
        (one) => one === argument || (isNonNullType(one.type) && one.defaultValue === undefined),
      )
      const leaf = isLeafType(getNamedType(field.type as GraphQLOutputType))
      const definitions = needed.map((one) => `$${one.name}: ${one.type}`).join(', ')
      const passed = needed.map(({ name }) => `${name}: $${name}`).join(', ')
      return {
        operation,
        field: field.name as string,
        argument,
        document: `${operation} (${definitions}) { ${field.name}(${passed})${leaf ? '' : ' { __typename }'} }`,
        others: needed.filter((one) => one !== argument).map((one) => [one.name, sample(one.type)]),
      }
    }),
  ),
)

describe('JSON bodies of any shape', () => {
  it.each(rootArguments.map((one) => [one.operation, one.field, one.argument.name, one] as const))(
    'the argument of %s %s(%s) is refused quickly, whatever its value is',
    async (_operation, _field, name, { document, others, operation, argument }) => {
      const rest = others.map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`).join('')
      for (const [shape, text] of [...Object.entries(shapes), ...generatedShapes(argument.type)]) {
        const accept = operation === 'subscription' ? { accept: 'text/event-stream' } : {}
        const body = `{"query":${JSON.stringify(document)},"variables":{"${name}":${text}${rest}}}`
        const answer = await attack('application/json', body, accept).catch((error) => {
          throw new Error(`${shape}: ${error.message}`)
        })
        expect([200, 400], `${shape}: ${answer.body.slice(0, 300)}`).toContain(answer.status)
        expect(answer.body.length).toBeLessThan(20_000)
      }
    },
  )
})

describe('bodies of other forms', () => {
  const form = (operations: string, map: string, files = 0) =>
    `${Object.entries({ operations, map })
      .map(([name, value]) => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
      .join(
        '',
      )}${Array.from({ length: files }, (_, n) => `--b\r\ncontent-disposition: form-data; name="${n}"; filename="a"\r\n\r\nx\r\n`).join('')}--b--\r\n`
  const operations = JSON.stringify({
    query: 'query ($inputs: [ConceptInput!]!) { embed(inputs: $inputs) { __typename } }',
    variables: { inputs: [{ upload: null }] },
  })

  it.each([
    ['a path to a place far behind', form(operations, '{"0":["variables.inputs.4000000000"]}', 1)],
    ['a path below a place far behind', form(operations, '{"0":["variables.inputs.4000000000.upload"]}', 1)],
    ['a path to the place after the last', form(operations, '{"0":["variables.inputs.1"]}', 1)],
    ['a path to a length', form(operations, '{"0":["variables.inputs.length"]}', 1)],
    ['a path to __proto__', form(operations, '{"0":["variables.__proto__.polluted"]}', 1)],
    ['a path to a constructor', form(operations, '{"0":["variables.constructor.prototype.polluted"]}', 1)],
    ['a path outside of the variables', form(operations, '{"0":["query"]}', 1)],
    [
      'a path into a file',
      form(operations, '{"0":["variables.inputs.0.upload","variables.inputs.0.upload.bytes"]}', 1),
    ],
    ['a path of many steps', form(operations, `{"0":["variables${'.a'.repeat(100_000)}"]}`, 1)],
    ['many paths', form(operations, `{"0":[${many('"variables.inputs.0.upload"', 100_000)}]}`, 1)],
    [
      'many entries',
      form(
        operations,
        `{${Array.from({ length: 20_000 }, (_, n) => `"${n}":["variables.x"]`).join(',')}}`,
        1,
      ),
    ],
    ['a file that is not there', form(operations, '{"7":["variables.inputs.0.upload"]}', 1)],
    ['many files', form(operations, '{"0":["variables.inputs.0.upload"]}', 5000)],
    [
      'many fields',
      `${'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n'.repeat(50_000)}--b--\r\n`,
    ],
    ['a map that is a list', form(operations, `[${many('null', 100_000)}]`, 1)],
    [
      'operations of many values',
      form(`{"query":"{ models { id } }","variables":{"a":[${many('null', 200_000)}]}}`, '{}'),
    ],
    ['operations inside one another', form('['.repeat(500_000), '{}')],
  ])('a multipart body with %s is refused quickly', async (_, body) => {
    const { status, body: text } = await attack('multipart/form-data; boundary=b', body)
    expect({ status, code: JSON.parse(text).errors[0].extensions.code }).toEqual({
      status: 400,
      code: expect.stringMatching(/BAD_USER_INPUT|TOO_COMPLEX/),
    })
  })

  it.each([
    ['urlencoded pairs', 'application/x-www-form-urlencoded', 'a&'.repeat(2_000_000)],
    ['short urlencoded pairs', 'application/x-www-form-urlencoded', 'a&'.repeat(400_000)],
    ['blanks around a document', 'application/graphql', `${' '.repeat(20_000_000)}{ models { id } }`],
    ['lines of a document', 'application/graphql', `${'\n'.repeat(900_000)}{ ${'a '.repeat(4000)} }`],
    ['a long name', 'application/graphql', `{ ${'a'.repeat(1_000_000)} }`],
    [
      'unknown fields',
      'application/graphql',
      `{ ${Array.from({ length: 4000 }, (_, n) => `asse${n}`).join(' ')} }`,
    ],
    ['unknown fields behind lines', 'application/graphql', `${'\n'.repeat(9000)}{ ${'a '.repeat(8000)} }`],
    ['the same field often', 'application/graphql', `{ ${'models { id } '.repeat(1900)} x }`],
    [
      'a long value of an enum',
      'application/graphql',
      `mutation { startDrawing(input: { generator: "${'x'.repeat(1_000_000)}" }) { drawing { id } } }`,
    ],
    [
      'values of an enum',
      'application/graphql',
      `{ embed(inputs: [${'{ text: PIXEL } '.repeat(1500)}]) { __typename } }`,
    ],
    [
      'unknown variables',
      'application/graphql',
      `query (${Array.from({ length: 2000 }, (_, n) => `$v${n}: Strin`).join(' ')}) { models { id } }`,
    ],
    [
      'fragments that spread one another',
      'application/graphql',
      `{ ...f0 } ${Array.from({ length: 500 }, (_, n) => `fragment f${n} on Query { ...f${n + 1} ...f${n + 1} }`).join(' ')} fragment f500 on Query { x }`,
    ],
    ['directives', 'application/graphql', `{ models ${'@skip(if: true) '.repeat(1500)} { id } }`],
  ])('a body with too many or too long %s is refused quickly', async (_, type, body) => {
    const { status, body: text } = await attack(type, body)
    expect([200, 400, 413]).toContain(status)
    expect(JSON.parse(text).errors[0].extensions.code).toMatch(/BAD_USER_INPUT|TOO_COMPLEX|PAYLOAD_TOO_LARGE/)
    expect(text.length).toBeLessThan(30_000)
  })
})
