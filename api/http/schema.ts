import type { IncomingMessage, ServerResponse } from 'node:http'
import { printSchema } from 'graphql'
import { schema } from '../../schema/index.ts'
import { send } from './respond.ts'

let printed: string | undefined

/** The schema as a document, for code generators that do not introspect. */
export function serveSchema(req: IncomingMessage, res: ServerResponse): void {
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    res.setHeader('allow', 'GET, HEAD')
    send(res, 405, 'text/plain; charset=utf-8', 'The schema is read with GET or HEAD.\n')
    return
  }
  printed ??= `${printSchema(schema)}\n`
  send(res, 200, 'text/plain; charset=utf-8', printed)
}
