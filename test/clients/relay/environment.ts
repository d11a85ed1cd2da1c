import { createClient } from 'graphql-sse'
import {
  Environment,
  type FetchFunction,
  type GraphQLResponse,
  type GraphQLSingularResponse,
  Network,
  Observable,
  RecordSource,
  Store,
  type SubscribeFunction,
  type UploadableMap,
} from 'relay-runtime'

export function createLimn(url = 'http://127.0.0.1:4000/graphql', key?: string): Environment {
  // Without x-limn-client the server refuses uploads: any web page can send a form, but not this header.
  const headers = { 'x-limn-client': 'my-app', ...(key && { 'x-api-key': key }) }

  async function send(operation: object, files?: UploadableMap | null): Promise<GraphQLSingularResponse> {
    const json = { ...headers, 'content-type': 'application/json' }
    const init = files
      ? { headers, body: form(operation, files) }
      : { headers: json, body: JSON.stringify(operation) }
    const response = await fetch(url, { method: 'POST', ...init })
    return (await response.json()) as GraphQLSingularResponse
  }

  const request: FetchFunction = async ({ id, name }, variables, _cacheConfig, files) => {
    const operation = { documentId: `sha256:${id}`, operationName: name, variables }
    // Files go with their document at once: they would be sent twice to a server that does not know it.
    if (files) return send({ ...operation, query: await documentOf(id!) }, files)
    const answer = await send(operation)
    return isUnknown(answer) ? send({ ...operation, query: await documentOf(id!) }) : answer
  }

  const events = createClient({ url, headers })
  const subscribe: SubscribeFunction = ({ id, name }, variables) =>
    Observable.create((sink) => {
      let end = () => {}
      documentOf(id!)
        .then((query) => {
          const next = (result: unknown) => sink.next(result as GraphQLResponse)
          const error = (reason: unknown) => sink.error(reason as Error)
          end = events.subscribe(
            { query, operationName: name, variables },
            { next, error, complete: sink.complete },
          )
        })
        .catch(sink.error)
      return () => end()
    })

  return new Environment({
    network: Network.create(request, subscribe),
    store: new Store(new RecordSource()),
  })
}

/** A document by its hash: relay-compiler writes persisted.json. Loaded only for a server that does not know one. */
async function documentOf(id: string): Promise<string> {
  const { default: documents } = await import('./persisted.json', { with: { type: 'json' } })
  const document = (documents as Record<string, string>)[id]
  if (document === undefined)
    throw new Error('persisted.json is older than __generated__: remove both and compile again.')
  return document
}

const isUnknown = ({ errors }: GraphQLSingularResponse & { errors?: readonly { message: string }[] }) =>
  errors?.some(({ message }) => message === 'PersistedQueryNotFound')

/** A request as the GraphQL multipart request specification says; keys of the files are places such as `variables.image`. */
function form(operation: object, files: UploadableMap): FormData {
  const data = new FormData()
  data.set('operations', JSON.stringify(operation))
  data.set('map', JSON.stringify(Object.fromEntries(Object.keys(files).map((place, n) => [n, [place]]))))
  for (const [n, file] of Object.values(files).entries()) data.set(String(n), file)
  return data
}
