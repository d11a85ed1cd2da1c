import { setTimeout as sleep } from 'node:timers/promises'

/** The server did not answer, after several tries. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable'
}

/** The server refused the whole request. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

interface GraphQLAnswer {
  data?: unknown
  errors?: { message: string; extensions?: { code?: string; retryAfterMs?: number } }[]
}

/** Pauses between the tries to reach a server. */
const retryDelaysMs = [250, 500, 1000, 2000, 4000]

export interface Client {
  url: string
  /** @throws ServerUnreachable, RequestRefused */
  send<T>(query: string, variables: object, files?: Record<string, Blob>): Promise<T>
}

/** A GraphQL client that waits when the server says so and tries again when it does not answer. */
export function createClient(url: string, key: string | undefined, signal: AbortSignal): Client {
  const headers = { 'x-limn-client': 'limn', ...(key === undefined ? {} : { 'x-api-key': key }) }

  async function post(
    query: string,
    variables: object,
    files?: Record<string, Blob>,
  ): Promise<GraphQLAnswer> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      signal,
      ...(files
        ? { headers, body: form(query, variables, files) }
        : {
            headers: { ...headers, 'content-type': 'application/json' },
            body: JSON.stringify({ query, variables }),
          }),
    })
    const text = await response.text()
    try {
      return JSON.parse(text) as GraphQLAnswer
    } catch {
      throw new RequestRefused(
        'HTTP',
        `${url} answered with status ${response.status}, not as a Limn server does.`,
      )
    }
  }

  async function send<T>(query: string, variables: object, files?: Record<string, Blob>): Promise<T> {
    for (let failures = 0; ; ) {
      let answer: GraphQLAnswer
      try {
        answer = await post(query, variables, files)
      } catch (error) {
        if (error instanceof RequestRefused) throw error
        signal.throwIfAborted()
        const pause = retryDelaysMs[failures++]
        if (pause === undefined)
          throw new ServerUnreachable(`The server at ${url} does not answer (${reason(error)}).`, {
            cause: error,
          })
        await sleep(pause, undefined, { signal })
        continue
      }
      const [problem] = answer.errors ?? []
      if (!problem) return answer.data as T
      const { code = 'INTERNAL', retryAfterMs } = problem.extensions ?? {}
      if (retryAfterMs === undefined) throw new RequestRefused(code, problem.message)
      await sleep(retryAfterMs, undefined, { signal })
    }
  }
  return { url, send }
}

/** The GraphQL multipart request specification; the keys of `files` are paths in the variables. */
function form(query: string, variables: object, files: Record<string, Blob>): FormData {
  const body = new FormData()
  const places = Object.keys(files)
  body.set('operations', JSON.stringify({ query, variables }))
  body.set('map', JSON.stringify(Object.fromEntries(places.map((place, n) => [n, [`variables.${place}`]]))))
  for (const [n, place] of places.entries()) body.set(String(n), files[place]!, 'image')
  return body
}

function reason(error: unknown): string {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
  return cause?.code ?? cause?.message ?? message
}
