import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { toGraphQLError } from '../../schema/core/errors.ts'
import type { Log } from '../../workers/log.ts'
import { type Access, authorise, checkLoopbackHost } from '../access/auth.ts'
import { cors } from '../access/cors.ts'
import { checkForgery } from '../access/csrf.ts'
import type { App } from '../app.ts'
import { serveFile } from './files.ts'
import { graphiqlPage } from './graphiql.ts'
import { createGraphQL } from './graphql.ts'
import { type Readiness, serveReady } from './health.ts'
import { createAdmission } from './load-shedding.ts'
import { send, sendError } from './respond.ts'

/** What every request passes, in this order: log, Host, CORS, then its route. */
export function createRouter(app: App, access: Access, readiness: Readiness): RequestListener {
  const graphql = createGraphQL(app.services, app.config, app.metrics, app.log)
  const admit = createAdmission(() => app.services.encoder.stats())

  const route = async (req: IncomingMessage, res: ServerResponse, pathname: string): Promise<void> => {
    if (!access.keyRequired) checkLoopbackHost(req.headers.host)
    if (cors(req, res)) return
    if (pathname === '/graphql') {
      if (wantsPage(req)) return sendGraphiql(res, access.keyRequired)
      authorise(req.headers, access)
      checkForgery(req.method, req.headers)
      admit(res)
      await graphql(req, res)
    } else if (pathname.startsWith('/files/')) await serveFile(req, res, pathname, app.services)
    else if (pathname === '/health') send(res, 200, 'application/json; charset=utf-8', '{"alive":true}')
    else if (pathname === '/ready') await serveReady(res, readiness)
    else if (pathname === '/metrics') {
      authorise(req.headers, access)
      send(res, 200, app.metrics.registry.contentType, await app.metrics.registry.metrics())
    } else if (pathname === '/') res.writeHead(302, { location: '/graphql' }).end()
    else send(res, 404, 'text/plain; charset=utf-8', 'There is nothing here. GraphQL is at /graphql.\n')
  }

  return (req, res) => {
    const id = requestId(req)
    res.setHeader('x-request-id', id)
    const pathname = (req.url ?? '/').split('?', 1)[0]!
    logAnswer(app.log, id, req, res, pathname)
    route(req, res, pathname).catch((error: unknown) => {
      const shown = toGraphQLError(error, (err) => {
        app.log.error({ err, id }, 'a request failed by a fault of the server')
        return id
      })
      if (res.headersSent) res.destroy()
      else sendError(res, shown)
    })
  }
}

/** A page opened in a browser, not a query sent by one. */
const wantsPage = (req: IncomingMessage) =>
  req.method === 'GET' && (req.headers.accept ?? '').includes('text/html')

async function sendGraphiql(res: ServerResponse, keyRequired: boolean): Promise<void> {
  const page = await graphiqlPage(keyRequired)
  res.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-encoding': 'gzip',
    'content-length': page.byteLength,
    // No other page may frame this one and borrow its clicks.
    'content-security-policy': "frame-ancestors 'none'",
    vary: 'accept',
  })
  res.end(page)
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
    else log.info(fields, 'the caller went away')
  })
}
