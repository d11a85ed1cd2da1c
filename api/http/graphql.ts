import type { IncomingMessage, ServerResponse } from 'node:http'
import { createFetch } from '@whatwg-node/fetch'
import { createYoga } from 'graphql-yoga'
import type { Context, Services } from '../../schema/core/context.ts'
import { createLoaders } from '../../schema/core/loaders.ts'
import { schema } from '../../schema/index.ts'
import { limits } from '../../workers/limits.ts'
import type { Log } from '../../workers/log.ts'
import type { Config } from '../config.ts'
import { createDeadline, type Deadline, useDeadline, useErrors } from '../hooks/use-errors.ts'
import { useLimits } from '../hooks/use-limits.ts'
import { useRequestForm } from '../hooks/use-request-form.ts'
import type { Metrics } from '../metrics.ts'
import { assetAddresses } from './files.ts'

type ServerContext = { req: IncomingMessage; res: ServerResponse }

/** Yoga over the schema: everything at /graphql but the GraphiQL page. */
export function createGraphQL(
  services: Services,
  config: Pick<Config, 'deadlineMs' | 'maxBodyBytes' | 'publicUrl'>,
  metrics: Metrics,
  log: Log,
) {
  return createYoga<ServerContext, Context & { deadline: Deadline }>({
    schema,
    graphqlEndpoint: '/graphql',
    // Answered before Yoga: see front.ts.
    cors: false,
    graphiql: false,
    landingPage: false,
    healthCheckEndpoint: '/graphql/health',
    batching: false,
    maxRequestBodySize: config.maxBodyBytes,
    // Of a multipart body. The operations may hold base64 images: as long as the body may be, not the usual 1 MB.
    fetchAPI: createFetch({
      formDataLimits: { files: limits.embedInputs, fields: 16, fieldSize: config.maxBodyBytes },
    }),
    // useErrors shapes every error, so Yoga's own masking has nothing left to hide.
    maskedErrors: false,
    logging: false,
    context: ({ request, req }) => {
      const deadline = createDeadline(config.deadlineMs, request.signal)
      const base = config.publicUrl ?? `http://${req.headers.host ?? 'localhost'}`
      const context = {
        ...services,
        ...assetAddresses(base),
        deadline,
        signal: deadline.signal,
        remainingMs: deadline.remainingMs,
      } as Context & { deadline: Deadline }
      context.loaders = createLoaders(context)
      return context
    },
    plugins: [
      useRequestForm(),
      useLimits(),
      useDeadline(config.deadlineMs),
      metrics.useOperations(),
      useErrors(log),
    ],
  })
}
