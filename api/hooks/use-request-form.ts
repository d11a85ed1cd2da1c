import type { Plugin } from 'graphql-yoga'
import { HttpError } from '../../schema/core/errors.ts'
import { echoed } from '../../workers/errors.ts'
import { readParams } from '../http/body/params.ts'
import type { Body } from '../http/body/read.ts'
import { accepts, jsonTypes } from '../http/negotiate.ts'

/** Reads the parameters of a request from the body that the router has read, in place of Yoga's parsers. */
export function useRequestForm(maxBytes: number): Plugin<object, { body?: Body }> {
  return {
    onRequestParse({ request, setRequestParser, serverContext }) {
      // Before anything is done whose answer the client could not read.
      if (!accepts(request.headers.get('accept'), [...jsonTypes, ...streams])) throw notAcceptable(request)
      // Yoga refuses other methods.
      if (request.method !== 'GET' && request.method !== 'POST') return
      setRequestParser((request) => readParams(request, serverContext.body, maxBytes))
    },
    onResultProcess({ request, resultProcessor, setResultProcessor }) {
      if (resultProcessor) return
      setResultProcessor((_result, { Response }) => {
        const { message, code, status } = notAcceptable(request)
        const body = JSON.stringify({ errors: [{ message, extensions: { code } }] })
        return new Response(body, {
          status,
          headers: { 'content-type': 'application/json; charset=utf-8' },
        })
      }, jsonTypes[0])
    },
  }
}

const streams = ['text/event-stream', 'multipart/mixed'] as const

function notAcceptable(request: Request): HttpError {
  const accept = request.headers.get('accept') ?? ''
  return new HttpError(
    406,
    'BAD_USER_INPUT',
    `No answer can be "${echoed(accept)}". Accept application/json, or text/event-stream for a subscription.`,
  )
}
