import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DocumentNode } from 'graphql'
import { createYoga } from 'graphql-yoga'
import { LRUCache } from 'lru-cache'
import type { Caller } from '../../schema/core/caller.ts'
import type { Context, Services } from '../../schema/core/context.ts'
import { schema } from '../../schema/index.ts'
import { ItemError } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import type { Log } from '../../workers/log.ts'
import type { ByteCount } from '../../workers/sources/fetch.ts'
import type { Config } from '../config.ts'
import { useCompression } from '../hooks/use-compression.ts'
import { type Deadline, useDeadline } from '../hooks/use-deadline.ts'
import { useErrors } from '../hooks/use-errors.ts'
import { useLimits } from '../hooks/use-limits.ts'
import { useMetrics } from '../hooks/use-metrics.ts'
import { usePersistedDocuments } from '../hooks/use-persisted-documents.ts'
import { useRequestForm } from '../hooks/use-request-form.ts'
import { useScopes } from '../hooks/use-scopes.ts'
import { type Timings, useTimings } from '../hooks/use-timings.ts'
import type { Metrics } from '../metrics.ts'
import type { ByteHold } from './body/byte-budget.ts'
import type { Body } from './body/read.ts'
import { createContext } from './context.ts'

/** What stands before GraphQL gives the request and who sends it. */
interface ServerContext {
  req: IncomingMessage
  res: ServerResponse
  caller: Caller
  /** Of a POST, read already. */
  body?: Body
  /** The request's part of the memory for all requests. */
  hold: ByteHold
  timings?: Timings
}

/** Yoga over the schema: everything at /graphql but the GraphiQL page. */
export function createGraphQL(
  services: Services,
  { deadlineMs, maxBodyBytes, publicUrl }: Pick<Config, 'deadlineMs' | 'maxBodyBytes' | 'publicUrl'>,
  metrics: Metrics,
  log: Log,
) {
  return createYoga<ServerContext, Context & { deadline: Deadline }>({
    schema,
    graphqlEndpoint: '/graphql',
    // Answered before Yoga: see router.ts.
    cors: false,
    graphiql: false,
    landingPage: false,
    healthCheckEndpoint: '/graphql/health',
    batching: false,
    // The router has read the body, and useRequestForm parses it.
    maxRequestBodySize: false,
    multipart: false,
    parserAndValidationCache: {
      documentCache: documentCache<DocumentNode>(),
      errorCache: documentCache<Error>(),
    },
    // useErrors shapes every error, so Yoga's own masking has nothing left to hide.
    maskedErrors: false,
    logging: false,
    context: ({ request, req, caller, timings, hold }) =>
      createContext(services, {
        caller,
        timings,
        fetched: fetchedCount(hold, maxBodyBytes),
        deadlineMs,
        signal: request.signal,
        baseUrl: publicUrl ?? `http://${req.headers.host ?? 'localhost'}`,
      }),
    plugins: [
      // Before the request is read.
      useTimings(),
      useRequestForm(maxBodyBytes),
      usePersistedDocuments(),
      // Before execution, and around it.
      useLimits(),
      useScopes(),
      useDeadline(deadlineMs),
      useMetrics(metrics),
      // After execution.
      useErrors(log),
      useCompression(),
    ],
  })
}

/** By the text of a document: bounded by characters too, for a parsed one takes a hundred times its text. */
const documentCache = <T extends object>() =>
  new LRUCache<string, T>({
    max: limits.persistedDocuments,
    maxSize: 500_000,
    sizeCalculation: (_value, document) => Math.max(1, document.length),
  })

/** Fetched images count as if they had come in the body, for the request and for the server. */
function fetchedCount(hold: ByteHold, limit: number): ByteCount {
  let sum = 0
  return {
    take(bytes) {
      if (sum + bytes > limit)
        throw new ItemError(
          'TOO_LARGE',
          `The images that one request has fetched pass ${limit} bytes together. Fetch fewer or smaller ones.`,
          { limit },
        )
      hold.take(bytes)
      sum += bytes
    },
    give(bytes) {
      sum -= bytes
      hold.give(bytes)
    },
  }
}
