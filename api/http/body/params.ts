/** The parameters of a GraphQL request, whichever way they were sent. Keys that the specification does not name are ignored. */
import { HttpError } from '../../../schema/core/errors.ts'
import { BadUserInput, echoed } from '../../../workers/errors.ts'
import { limits } from '../../../workers/limits.ts'
import { PayloadTooLarge } from '../../errors.ts'
import { joined, parseJson } from './json.ts'
import { parseMultipart } from './multipart.ts'
import type { Body } from './read.ts'

export interface Params {
  query?: string
  variables?: Record<string, unknown>
  operationName?: string
  extensions?: Record<string, unknown>
  /** Of a persisted document, in place of the query. */
  documentId?: string
}

type Parser = (body: Body, type: string, maxBytes: number) => Promise<unknown>

const json: Parser = async (body) => parseJson(await joined(body))

const parsers: Readonly<Record<string, Parser>> = {
  'application/json': json,
  'application/graphql+json': json,
  'application/graphql': async (body) => ({ query: (await joined(body)).toString('utf8') }),
  'application/x-www-form-urlencoded': async (body) => {
    const size = body.reduce((sum, chunk) => sum + chunk.length, 0)
    if (size > limits.formBytes)
      throw new PayloadTooLarge(
        `An urlencoded body has at most ${limits.formBytes} bytes. Send application/json.`,
        { limit: limits.formBytes, given: size },
      )
    return searchParams(Buffer.concat(body).toString('utf8'))
  },
  'multipart/form-data': parseMultipart,
}

/** @throws HttpError 415, BadUserInput, PayloadTooLarge, TooComplex */
export async function readParams(
  request: Request,
  body: Body | undefined,
  maxBytes: number,
): Promise<Params> {
  const type = request.headers.get('content-type') ?? ''
  const name = type.split(/[;,]/, 1)[0]!.trim().toLowerCase()
  try {
    if (request.method === 'GET') return checked(await searchParams(new URL(request.url).search))
    const parse = Object.hasOwn(parsers, name) ? parsers[name]! : undefined
    if (!parse) throw unsupported(type)
    return checked(await parse(body ?? [], type, maxBytes))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw request.method === 'GET' || name.includes('urlencoded')
      ? objectsExpected()
      : new BadUserInput('The body is not valid JSON.')
  }
}

async function searchParams(text: string): Promise<Params> {
  // Splitting makes an object of each pair.
  if (text.split('&', 65).length > 64)
    throw new BadUserInput('A request has at most 64 parameters.', { limit: 64 })
  const given = new URLSearchParams(text)
  const object = async (name: string) => {
    const value = given.get(name)
    return value ? ((await parseJson(Buffer.from(value))) as Record<string, unknown>) : undefined
  }
  return {
    query: given.get('query') || undefined,
    operationName: given.get('operationName') || undefined,
    documentId: given.get('documentId') || undefined,
    variables: await object('variables'),
    extensions: await object('extensions'),
  }
}

function checked(given: unknown): Params {
  if (Array.isArray(given)) throw new BadUserInput('Batches are not supported: send one operation a request.')
  if (typeof given !== 'object' || given === null) throw new BadUserInput('The body is not a JSON object.')
  const { query, variables, operationName, extensions, documentId } = given as Record<string, unknown>
  for (const [name, value] of Object.entries({ query, operationName, documentId }))
    if (value != null && typeof value !== 'string')
      throw new BadUserInput(`${name} must be a string.`, { argument: name })
  for (const value of [variables, extensions])
    if (value != null && (typeof value !== 'object' || Array.isArray(value))) throw objectsExpected()
  const persisted = (extensions as Record<string, unknown> | null | undefined)?.persistedQuery
  if (query == null && documentId == null && persisted == null)
    throw new BadUserInput('The request has no query, and names no persisted document.', {
      argument: 'query',
    })
  return Object.fromEntries(
    Object.entries({ query, variables, operationName, extensions, documentId }).filter(
      ([, value]) => value != null,
    ),
  )
}

const objectsExpected = () => new BadUserInput('variables and extensions must be JSON objects.')

const unsupported = (type: string) =>
  new HttpError(
    415,
    'BAD_USER_INPUT',
    `A request of type "${echoed(type || '(none)')}" is not supported. Send application/json, or multipart/form-data with files.`,
  )
