/** What a client really sends: the requests of the global fetch. */

export interface Sent {
  method: string
  url: URL
  headers: Headers
  /** Of a JSON body, or of the `operations` of a form. */
  body: any
  multipart: boolean
  status: number
}

/** @returns what `work` returns, and the requests that were sent while it ran, in the order of their answers */
export async function watched<T>(work: () => Promise<T>): Promise<{ result: T; sent: Sent[] }> {
  const real = globalThis.fetch
  const sent: Sent[] = []
  globalThis.fetch = async (input, init) => {
    const response = await real(input, init)
    const { body } = init ?? {}
    const form = body instanceof FormData
    const text = form ? body.get('operations') : body
    sent.push({
      method: init?.method ?? 'GET',
      url: new URL(String(input)),
      headers: new Headers(init?.headers),
      body: typeof text === 'string' ? JSON.parse(text) : undefined,
      multipart: form,
      status: response.status,
    })
    return response
  }
  try {
    return { result: await work(), sent }
  } finally {
    globalThis.fetch = real
  }
}

/** `POST hash 200`: method, what it carries of its document (the text, its hash alone, or files beside it), status. */
export function brief({ method, url, body, multipart, status }: Sent): string {
  const { query } = body ?? Object.fromEntries(url.searchParams)
  return `${method} ${multipart ? 'files' : query ? 'document' : 'hash'} ${status}`
}
