/** node schema.ts: writes schema.json, which tells the cache the types. Run it again after the server's schema has changed. */
import { writeFile } from 'node:fs/promises'
import { minifyIntrospectionQuery } from '@urql/introspection'
import { getIntrospectionQuery, type IntrospectionQuery } from 'graphql'

const response = await fetch(process.env.LIMN_URL ?? 'http://127.0.0.1:4000/graphql', {
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    ...(process.env.LIMN_KEY && { 'x-api-key': process.env.LIMN_KEY }),
  },
  body: JSON.stringify({ query: getIntrospectionQuery() }),
})
const { data } = (await response.json()) as { data: IntrospectionQuery }
await writeFile(`${import.meta.dirname}/schema.json`, JSON.stringify(minifyIntrospectionQuery(data)))
