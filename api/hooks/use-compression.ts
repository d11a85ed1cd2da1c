import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Plugin } from 'graphql-yoga'
import { encodingFor } from '../http/negotiate.ts'

/** Shorter answers fit into one packet as they are. */
const minBytes = 1024

/** Quick settings: most of a long answer is base64 of numbers, which no setting makes much smaller. */
const compressors = {
  gzip: (bytes: Buffer) => promisify(gzip)(bytes, { level: 1 }),
  br: (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
}

/** Compresses JSON answers for clients that accept it; streams of events leave at once, as they are. */
export function useCompression(): Plugin {
  return {
    async onResponse({ request, response, setResponse, fetchAPI }) {
      if (!/^application\/(graphql-response\+)?json/.test(response.headers.get('content-type') ?? '')) return
      response.headers.append('vary', 'accept-encoding')
      const encoding = encodingFor(request.headers.get('accept-encoding'))
      if (encoding === null) return
      const bytes = Buffer.from(await response.arrayBuffer())
      const compressed = bytes.length >= minBytes ? await compressors[encoding](bytes) : bytes
      const headers = new fetchAPI.Headers(response.headers)
      if (compressed !== bytes) headers.set('content-encoding', encoding)
      headers.set('content-length', String(compressed.length))
      setResponse(new fetchAPI.Response(compressed, { status: response.status, headers }))
    },
  }
}
