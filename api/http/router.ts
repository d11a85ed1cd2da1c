import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { requireScope } from '../../schema/core/caller.ts'
import { HttpError, toGraphQLError } from '../../schema/core/errors.ts'
import type { Log } from '../../workers/log.ts'
import type { Access } from '../access/auth.ts'
import { cors } from '../access/cors.ts'
import { checkForgery } from '../access/csrf.ts'
import { checkLoopbackHost } from '../access/loopback-host.ts'
import type { App } from '../app.ts'
import { version } from '../version.ts'
import { ByteBudget } from './body/byte-budget.ts'
import { readBody } from './body/read.ts'
import { serveFile } from './files.ts'
import { serveGraphiql, wantsGraphiql } from './graphiql.ts'
import { createGraphQL } from './graphql.ts'
import { type Readiness, serveReady } from './health.ts'
import { LoadShedder } from './load-shedding.ts'
import { send, sendError } from './respond.ts'
import { serveSchema } from './schema.ts'

type Match = (pathname: string, req: IncomingMessage) => boolean
type Handler = (req: IncomingMessage, res: ServerResponse, pathname: string) => void | Promise<void>

const at =
  (path: string): Match =>
  (pathname) =>
    pathname === path

/** Every request passes, in this order: log, Host, CORS, then the first route that matches. */
export function createRouter(app: App, access: Access, readiness: Readiness): RequestListener {
  const { services, metrics, log } = app
  const graphql = createGraphQL(services, app.config, metrics, log)
  const shedder = new LoadShedder(() => services.encoder.stats())
  const { maxBodyBytes, maxBytesInFlight } = app.config
  // A single body always fits.
  const budget = new ByteBudget(Math.max(maxBodyBytes, maxBytesInFlight))

  const routes: readonly [Match, Handler][] = [
    [
      (pathname, req) => pathname === '/graphql' && wantsGraphiql(req),
      (_req, res) => serveGraphiql(res, access.keyRequired),
    ],
    [
      at('/graphql'),
      async (req, res) => {
        const caller = access.authenticate(req.headers)
        checkForgery(req.method, req.headers)
        shedder.admit(res, caller)
        const hold = budget.open(caller)
        res.once('close', hold.close)
        const body = req.method === 'POST' ? await readBody(req, maxBodyBytes, hold) : undefined
        await graphql(req, res, { caller, body, hold })
      },
    ],
    [
      at('/schema.graphql'),
      (req, res) => {
        requireScope({ caller: access.authenticate(req.headers) }, 'read')
        serveSchema(req, res)
      },
    ],
    [
      (pathname) => pathname.startsWith('/files/'),
      (req, res, pathname) => serveFile(req, res, pathname, services),
    ],
    [at('/health'), (_req, res) => send(res, 200, 'application/json; charset=utf-8', '{"alive":true}')],
    [at('/ready'), (_req, res) => serveReady(res, readiness)],
    [
      at('/metrics'),
      async (req, res) => {
        requireScope({ caller: access.authenticate(req.headers) }, 'admin')
        send(res, 200, metrics.registry.contentType, await metrics.registry.metrics())
      },
    ],
    [at('/'), (_req, res) => void res.writeHead(302, { location: '/graphql' }).end()],
    [
      () => true,
      (_req, res) =>
        send(res, 404, 'text/plain; charset=utf-8', 'There is nothing here. GraphQL is at /graphql.\n'),
    ],
  ]

  const answer: Handler = async (req, res, pathname) => {
    if (!access.keyRequired) checkLoopbackHost(req.headers.host)
    if (cors(req, res)) return
    refuseWebSocket(req)
    const [, handle] = routes.find(([matches]) => matches(pathname, req))!
    await handle(req, res, pathname)
  }

  return async (req, res) => {
    const id = requestId(req)
    res.setHeader('x-request-id', id)
    res.setHeader('x-limn-version', version)
    const pathname = (req.url ?? '/').split('?', 1)[0]!
    logAnswer(log, id, req, res, pathname)
    try {
      await answer(req, res, pathname)
    } catch (error) {
      // The client left before its request was whole.
      if (req.destroyed && !req.complete) return void res.destroy()
      const shown = toGraphQLError(error, (err) => {
        log.error({ err, id }, 'request failed by a fault of the server')
        return id
      })
      if (res.headersSent) res.destroy()
      else sendError(req, res, shown)
    }
  }
}

/** @throws HttpError for a handshake, which would otherwise be answered as a query without a document */
function refuseWebSocket({ headers }: IncomingMessage): void {
  if (!/\bwebsocket\b/i.test(headers.upgrade ?? '')) return
  throw new HttpError(
    400,
    'BAD_USER_INPUT',
    'WebSockets are not served. Subscriptions go over server-sent events: POST the operation to /graphql with the header accept: text/event-stream (the distinct connections mode of graphql-sse).',
  )
}

const requestId = ({ headers }: IncomingMessage) => {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID()
}

/** One line a request. Never a body, a query string or a header: they may hold keys and images. */
function logAnswer(log: Log, id: string, req: IncomingMessage, res: ServerResponse, path: string): void {
  const begun = performance.now()
  res.once('close', () => {
    const ms = Math.round(performance.now() - begun)
    const fields = { id, method: req.method, path, status: res.statusCode, ms }
    if (res.writableFinished) log.info(fields, 'answered')
    else log.info(fields, 'client disconnected')
  })
}
