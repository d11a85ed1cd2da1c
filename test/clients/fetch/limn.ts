export interface Answer<Data = any> {
  /** A field that failed is null here, and the others stand. */
  data?: Data | null
  errors?: {
    message: string
    path?: (string | number)[]
    extensions: { code: string; [key: string]: unknown }
  }[]
}

type Variables = Record<string, unknown>

/** A Limn server, by nothing but fetch. */
export class Limn {
  readonly #url: string
  readonly #headers: Record<string, string>

  constructor(url = 'http://127.0.0.1:4000/graphql', key?: string) {
    this.#url = url
    // Without x-limn-client the server refuses uploads: any web page can send a form, but not this header.
    this.#headers = { 'x-limn-client': 'my-app', ...(key && { 'x-api-key': key }) }
  }

  /** Files are named by their places in the variables: `{ 'input.assets.0.image.upload': file }`. */
  ask(query: string, variables: Variables = {}, files: Record<string, Blob> = {}): Promise<Answer> {
    const operation = { query, variables }
    return Object.keys(files).length > 0
      ? answerOf(this.#send(multipart(operation, files)))
      : answerOf(this.#post(operation))
  }

  /** Sends the document only to a server that does not know its hash yet: shorter requests for long documents. */
  async askPersisted(query: string, variables: Variables = {}): Promise<Answer> {
    const operation = { documentId: `sha256:${await sha256(query)}`, variables }
    const answer = await answerOf(this.#post(operation))
    const unknown = answer.errors?.some(({ extensions }) => extensions.code === 'PERSISTED_QUERY_NOT_FOUND')
    return unknown ? answerOf(this.#post({ ...operation, query })) : answer
  }

  /** The answers of a subscription as they come. Leave the loop, or abort the signal, to end it. */
  async *follow(query: string, variables: Variables = {}, signal?: AbortSignal): AsyncGenerator<Answer> {
    const response = await this.#post({ query, variables }, { accept: 'text/event-stream' }, signal)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const events = (rest + part.value).split('\n\n')
        rest = events.pop()!
        for (const event of events) {
          const data = /^data: ?(.+)$/m.exec(event)?.[1]
          if (data && /^event: next$/m.test(event)) yield JSON.parse(data)
        }
      }
    } finally {
      await reader.cancel()
    }
  }

  #post(operation: object, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    const json = { 'content-type': 'application/json', ...headers }
    return this.#send(JSON.stringify(operation), json, signal)
  }

  #send(body: string | FormData, headers: Record<string, string> = {}, signal?: AbortSignal) {
    return fetch(this.#url, { method: 'POST', headers: { ...this.#headers, ...headers }, body, signal })
  }
}

const answerOf = async (response: Promise<Response>) => (await (await response).json()) as Answer

/** A GraphQL multipart request: the operation, which file goes where, the files. */
function multipart(operation: object, files: Record<string, Blob>): FormData {
  const form = new FormData()
  const places = Object.keys(files)
  form.set('operations', JSON.stringify(operation))
  form.set('map', JSON.stringify(Object.fromEntries(places.map((place, n) => [n, [`variables.${place}`]]))))
  for (const [n, place] of places.entries()) form.set(String(n), files[place]!)
  return form
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
