import type { CodegenConfig } from '@graphql-codegen/cli'

// The document: introspection does not say which inputs take exactly one of their fields.
const schema = new URL('/schema.graphql', process.env.LIMN_URL ?? 'http://127.0.0.1:4000/graphql')
const key = process.env.LIMN_KEY

const config: CodegenConfig = {
  schema: [{ [schema.href]: { headers: { ...(key && { 'x-api-key': key }) } } }],
  documents: ['./*.ts', '!./codegen.ts'],
  importExtension: '.ts',
  generates: {
    './gql/': {
      preset: 'client',
      presetConfig: {
        fragmentMasking: false,
        // gql/persisted-documents.json, and the hash of each document in its __meta__.
        persistedDocuments: { mode: 'embedHashInDocument', hashAlgorithm: 'sha256' },
      },
      config: {
        documentMode: 'string',
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { DateTime: 'string', File: 'File | null', URL: 'string', Vector: 'string' },
      },
    },
  },
}

export default config
