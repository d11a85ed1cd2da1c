import { createHash } from 'node:crypto'
import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { LRUCache } from 'lru-cache'
import { BadUserInput } from '../../workers/errors.ts'
import { limits } from '../../workers/limits.ts'
import type { Params } from '../http/body/params.ts'

/**
 * Documents by their hash. Apollo's automatic persisted queries (`extensions.persistedQuery`) send the document once with
 * its hash and the hash alone from then on; `documentId: "sha256:HASH"` is the same in GraphQL over HTTP's words. The
 * store is bounded and forgets: a client that gets PersistedQueryNotFound sends the document again.
 */
export function usePersistedDocuments(): Plugin {
  const documents = new LRUCache<string, string>({
    max: limits.persistedDocuments,
    maxSize: limits.persistedLength,
    maxEntrySize: limits.documentLength,
    sizeCalculation: (document) => Math.max(1, document.length),
  })
  return {
    onParams({ params, setParams }) {
      const { documentId, ...rest } = params as Params
      const hash = hashOf(rest, documentId)
      if (hash === null) return
      if (rest.query === undefined) {
        const query = documents.get(hash)
        if (query === undefined) throw notFound()
        return setParams({ ...rest, query })
      }
      if (rest.query.length > limits.documentLength) return
      if (createHash('sha256').update(rest.query).digest('hex') !== hash)
        throw new BadUserInput('The hash of the persisted query is not the SHA-256 of its document.', {
          argument: documentId === undefined ? 'extensions.persistedQuery.sha256Hash' : 'documentId',
        })
      documents.set(hash, rest.query)
      setParams(rest)
    },
  }
}

const hashPattern = /^[0-9a-f]{64}$/i

/** Null for a request that names no persisted document. @throws BadUserInput */
function hashOf({ extensions }: Params, documentId: string | undefined): string | null {
  if (documentId !== undefined) {
    const [, hash] = /^(?:sha256:)?([0-9a-f]{64})$/i.exec(documentId) ?? []
    // Of another scheme: nobody has registered it here.
    if (hash === undefined) throw notFound()
    return hash.toLowerCase()
  }
  const given = extensions?.persistedQuery as { version?: unknown; sha256Hash?: unknown } | undefined | null
  if (given == null) return null
  const { version, sha256Hash } = given
  if (version !== 1 || typeof sha256Hash !== 'string' || !hashPattern.test(sha256Hash))
    throw new BadUserInput(
      'extensions.persistedQuery must be { version: 1, sha256Hash } with a hash of 64 hexadecimal digits.',
      { argument: 'extensions.persistedQuery' },
    )
  return sha256Hash.toLowerCase()
}

/** The words and the code that the clients of Apollo and Relay look for. */
const notFound = () =>
  new GraphQLError('PersistedQueryNotFound', {
    extensions: { code: 'PERSISTED_QUERY_NOT_FOUND', http: { spec: true, status: 400 } },
  })
