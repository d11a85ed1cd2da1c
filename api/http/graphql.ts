import type { IncomingMessage, ServerResponse } from 'node:http'
import { createFetch } from '@whatwg-node/fetch'
import { createYoga } from 'graphql-yoga'
import type { Caller } from '../../schema/core/caller.ts'
import type { Context, Services } from '../../schema/core/context.ts'
import { schema } from '../../schema/index.ts'
import { limits } from '../../workers/limits.ts'
import type { Log } from '../../workers/log.ts'
import type { Config } from '../config.ts'
import { type Deadline, useDeadline } from '../hooks/use-deadline.ts'
import { useErrors } from '../hooks/use-errors.ts'
import { useLimits } from '../hooks/use-limits.ts'
import { useMetrics } from '../hooks/use-metrics.ts'
import { useRequestForm } from '../hooks/use-request-form.ts'
import { useScopes } from '../hooks/use-scopes.ts'
import { type Timings, useTimings } from '../hooks/use-timings.ts'
import type { Metrics } from '../metrics.ts'
import { createContext } from './context.ts'

/** What stands before GraphQL gives the request and who sends it. */
interface ServerContext {
  req: IncomingMessage
  res: ServerResponse
  caller: Caller
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
    maxRequestBodySize: maxBodyBytes,
    // Of a multipart body. The operations may hold base64 images: as long as the body may be, not the usual 1 MB.
    fetchAPI: createFetch({
      formDataLimits: { files: limits.embedInputs, fields: 16, fieldSize: maxBodyBytes },
    }),
    // useErrors shapes every error, so Yoga's own masking has nothing left to hide.
    maskedErrors: false,
    logging: false,
    context: ({ request, req, caller, timings }) =>
      createContext(services, {
        caller,
        timings,
        deadlineMs,
        signal: request.signal,
        baseUrl: publicUrl ?? `http://${req.headers.host ?? 'localhost'}`,
      }),
    plugins: [
      // Before the request is read.
      useTimings(),
      useRequestForm(),
      // Before execution, and around it.
      useLimits(),
      useScopes(),
      useDeadline(deadlineMs),
      useMetrics(metrics),
      // After execution.
      useErrors(log, maxBodyBytes),
    ],
  })
}
