import type { TypedDocumentString } from './gql/graphql.ts'
import documents from './gql/persisted-documents.json' with { type: 'json' }

export interface Answer<Data> {
  /** A field that failed is null here, and the others stand. */
  data?: Data | null
  errors?: { message: string; extensions: { code: string } }[]
}

/** Variables and answer are typed by the document. */
export async function execute<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  { url = 'http://127.0.0.1:4000/graphql', key }: { url?: string; key?: string } = {},
): Promise<Answer<Data>> {
  const post = async (body: object) => {
    const headers = { 'content-type': 'application/json', ...(key && { 'x-api-key': key }) }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await response.json()) as Answer<Data>
  }
  // "sha256:..."
  const documentId: keyof typeof documents = document.__meta__!.hash
  const operation = { documentId, variables }
  const answer = await post(operation)
  const unknown = answer.errors?.[0]?.extensions.code === 'PERSISTED_QUERY_NOT_FOUND'
  return unknown ? post({ ...operation, query: documents[documentId] }) : answer
}
