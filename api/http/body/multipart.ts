/** The GraphQL multipart request specification: a form of `operations`, `map` and files. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createFetch } from '@whatwg-node/fetch'
import { BadUserInput, echoed } from '../../../workers/errors.ts'
import { limits } from '../../../workers/limits.ts'
import { parseJson } from './json.ts'
import type { Body } from './read.ts'

/** @throws BadUserInput, TooComplex */
export async function parseMultipart(body: Body, type: string, maxBytes: number): Promise<unknown> {
  const form = await readForm(body, type, maxBytes)
  const operations = await jsonField(form, 'operations')
  if (typeof operations !== 'object' || operations === null || Array.isArray(operations))
    throw malformed('operations is not a JSON object')
  if (!form.has('map')) return operations
  const map = await jsonField(form, 'map')
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw malformed('map is not a JSON object')
  let paths = 0
  for (const [name, list] of Object.entries(map)) {
    if (!Array.isArray(list) || !list.every((path) => typeof path === 'string'))
      throw malformed(`the entry "${echoed(name)}" of map is not a list of paths`)
    paths += list.length
    if (paths > limits.uploadPaths)
      throw new BadUserInput(`map has more than ${limits.uploadPaths} paths. Split the request.`, {
        argument: 'map',
        limit: limits.uploadPaths,
      })
    const file = form.get(name)
    if (file === null || typeof file === 'string')
      throw malformed(`map names a file "${echoed(name)}" that is not in the body`)
    for (const path of list) place(operations, path, file)
  }
  return operations
}

/** A turn for others after this many bytes: finding the boundaries takes a while. */
const sliceBytes = 2 ** 20

async function readForm(body: Body, type: string, maxBytes: number): Promise<FormData> {
  const { Response } = createFetch({
    formDataLimits: {
      files: limits.embedInputs,
      fields: 16,
      parts: limits.embedInputs + 16,
      // The operations may hold base64 images.
      fieldSize: maxBytes,
    },
  })
  async function* inTurns() {
    let since = 0
    for (const chunk of body) {
      yield chunk
      since += chunk.length
      if (since < sliceBytes) continue
      since = 0
      await nextTurn()
    }
  }
  try {
    const readable = inTurns() as unknown as ReadableStream
    return await new Response(readable, { headers: { 'content-type': type } }).formData()
  } catch (error) {
    throw malformed((error as Error).message)
  }
}

async function jsonField(form: FormData, name: string): Promise<unknown> {
  const text = form.get(name)
  if (typeof text !== 'string') throw malformed(`the field ${name} is missing`)
  try {
    return await parseJson(Buffer.from(text))
  } catch (error) {
    throw error instanceof SyntaxError ? malformed(`${name} is not valid JSON`) : error
  }
}

/** Puts a file where its path leads. A path may end in a new key of an object, never in a new place of a list. */
function place(operations: object, path: string, file: File): void {
  const keys = path.length > limits.documentNameLength * 2 ? [] : path.split('.')
  const wrong = () =>
    new BadUserInput(
      `The path "${echoed(path)}" of map leads to no place in operations. It is like variables.inputs.0.upload, where operations has null.`,
      { argument: 'map' },
    )
  if (keys.length < 2 || keys.length > limits.valueDepth || keys[0] !== 'variables') throw wrong()
  let parent: object = operations
  keys.forEach((key, index) => {
    const last = index === keys.length - 1
    const known = Object.hasOwn(parent, key) && key !== 'length'
    if (['__proto__', 'constructor', 'prototype'].includes(key)) throw wrong()
    if (!known && (!last || Array.isArray(parent))) throw wrong()
    const fields = parent as Record<string, unknown>
    if (last) {
      fields[key] = file
      return
    }
    const child = fields[key]
    if (typeof child !== 'object' || child === null || isFile(child)) throw wrong()
    parent = child
  })
}

const isFile = (value: object) => typeof (value as File).bytes === 'function'

const malformed = (reason: string) =>
  new BadUserInput(
    `The multipart body does not follow the GraphQL multipart request specification (operations holds a JSON object, map lists of paths by file): ${reason}.`,
  )
