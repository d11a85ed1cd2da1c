import { writeFileSync } from 'node:fs'
import { printSchema } from 'graphql'
import { schema } from './index.ts'

/** Writes schema.graphql anew: `npm run schema` after every change of the schema. */
writeFileSync(new URL('schema.graphql', import.meta.url), `${printSchema(schema)}\n`)
