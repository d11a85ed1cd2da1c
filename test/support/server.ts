import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import http, { type IncomingHttpHeaders } from 'node:http'
import path from 'node:path'
import type { App } from '../../api/app.ts'
import { type Config, readConfig } from '../../api/config.ts'
import { startServer } from '../../api/server.ts'
import { testPlace } from './database.ts'

/** A GraphQL answer; `code` and `message` are those of its first error. */
export interface Answer {
  status: number
  data: any
  errors?: { message: string; path?: unknown[]; extensions: Record<string, unknown> }[]
  code?: unknown
  message?: string
}

export interface RawAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface TestServer {
  url: string
  app: App
  query(document: string, variables?: object, headers?: Record<string, string>): Promise<Answer>
  /** Sends the files by a multipart request; keys are paths in the variables, e.g. `inputs.0.upload`. */
  upload(document: string, variables: object, files: Record<string, File>): Promise<Answer>
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Any request, with headers that fetch would not send (Host, Origin) and a path as it stands. */
  raw(
    path: string,
    options?: { method?: string; headers?: Record<string, string>; body?: unknown },
  ): Promise<RawAnswer>
  close(): Promise<void>
}

/** A real server on a free port, with the bundled model and a database and home of its own. */
export async function testServer(
  overrides: Partial<Config> = {},
  { prepare }: { prepare?: (home: string) => void } = {},
): Promise<TestServer> {
  const { url: databaseUrl, home, remove } = await testPlace()
  prepare?.(home)
  const defaults = readConfig({
    PORT: '0',
    LIMN_LOG_LEVEL: process.env.LIMN_TEST_LOG_LEVEL ?? 'silent',
    LIMN_SAMPLES: 'false',
    LIMN_VARIANT: 'fp32',
    HF_HOME: home,
  }).config
  const config = { ...defaults, home, databaseUrl: databaseUrl ?? undefined, ...overrides }
  const running = await startServer(config).catch(async (error) => {
    await remove()
    throw error
  })
  const { url, app } = running

  const answer = async (response: Response): Promise<Answer> => {
    const { data, errors } = (await response.json()) as Pick<Answer, 'data' | 'errors'>
    const [first] = errors ?? []
    return { status: response.status, data, errors, code: first?.extensions.code, message: first?.message }
  }

  return {
    url,
    app,
    fetch: (path, init) => fetch(url + path, init),
    raw: (path, options = {}) => request(url, path, options),
    async query(query, variables, headers) {
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
      }
      return answer(await fetch(`${url}/graphql`, init))
    },
    async upload(query, variables, files) {
      const form = new FormData()
      form.set('operations', JSON.stringify({ query, variables }))
      form.set(
        'map',
        JSON.stringify(Object.fromEntries(Object.keys(files).map((at, n) => [n, [`variables.${at}`]]))),
      )
      Object.values(files).forEach((file, n) => {
        form.set(String(n), file)
      })
      const init = { method: 'POST', headers: { 'x-limn-client': 'test' }, body: form }
      return answer(await fetch(`${url}/graphql`, init))
    },
    async close() {
      await running.close()
      await remove()
    },
  }
}

function request(
  base: string,
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: unknown },
): Promise<RawAnswer> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const req = http.request({ hostname, port, path, method, headers, agent: false }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk) => chunks.push(chunk))
      res.on('end', () =>
        resolve({ status: res.statusCode!, headers: res.headers, body: Buffer.concat(chunks).toString() }),
      )
      res.on('error', reject)
    })
    // The server may answer and close before it has read a body that is too large.
    req.on('error', reject)
    req.end(body === undefined ? undefined : String(body))
  })
}

/** Adds images, waits until each has its vector and returns their ids. */
export async function addImages(
  server: TestServer,
  images: readonly Buffer[],
  texts: object = {},
): Promise<string[]> {
  const { data, errors } = await server.query(
    'mutation ($input: AddAssetsInput!) { addAssets(input: $input) { results { ... on AddedAsset { asset { id } } ... on InputError { message } } } }',
    { input: { assets: images.map((bytes) => ({ image: { base64: bytes.toString('base64') }, ...texts })) } },
  )
  if (errors) throw new Error(errors[0]!.message)
  await server.app.services.library.idle()
  return data.addAssets.results.map((result: { asset?: { id: string }; message?: string }) => {
    if (!result.asset) throw new Error(result.message)
    return result.asset.id
  })
}

/** Puts the bundled model into a home once more, under another name and with other settings: another revision. */
export function modelTwin(home: string, name: string, settings: object): void {
  const bundled = path.resolve('workers/models/limn-icons')
  const folder = path.join(home, 'models', name)
  mkdirSync(folder, { recursive: true })
  symlinkSync(path.join(bundled, 'onnx'), path.join(folder, 'onnx'))
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'preprocessor_config.json'])
    cpSync(path.join(bundled, file), path.join(folder, file))
  const config = JSON.parse(readFileSync(path.join(bundled, 'config.json'), 'utf8'))
  writeFileSync(
    path.join(folder, 'config.json'),
    JSON.stringify({ ...config, _name_or_path: name, ...settings }),
  )
}

/** The numbers of a FLOAT32 Vector. */
export function decode(vector: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(vector, 'base64')).buffer)
}
