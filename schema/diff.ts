/**
 * `npm run schema:diff`: what changed since the last released print, schema/released.graphql. Ends with 1 when a change
 * breaks callers and docs/compatibility.md has no entry for it.
 */
import { readFileSync } from 'node:fs'
import { buildSchema, findBreakingChanges, findDangerousChanges, printSchema } from 'graphql'
import { schema } from './index.ts'

const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8')
const released = () => read('released.graphql')

/** In the words of graphql-js, by which docs/compatibility.md names them. */
export const breakingChanges = (before: string, after: string): string[] =>
  findBreakingChanges(buildSchema(before), buildSchema(after)).map(({ description }) => description)

/** Changes since the release that break callers and that docs/compatibility.md does not name. */
export function unstatedChanges(): string[] {
  const stated = read('../docs/compatibility.md')
  return breakingChanges(released(), printSchema(schema)).filter((change) => !stated.includes(change))
}

function report(): number {
  const now = printSchema(schema)
  const unstated = new Set(unstatedChanges())
  for (const change of breakingChanges(released(), now))
    console.log(`breaking  ${change}${unstated.has(change) ? '  (no entry in docs/compatibility.md)' : ''}`)
  for (const { description } of findDangerousChanges(buildSchema(released()), buildSchema(now)))
    console.log(`dangerous ${description}`)
  if (now.trim() === released().trim()) console.log('The schema is the released one.')
  return unstated.size > 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = report()
