/** Flags by which a command is told which images: they stand for fields of the API's AssetWhere. */
import { UsageError } from './usage.ts'

const text = { type: 'string' } as const
const list = { type: 'string', multiple: true } as const
const flag = { type: 'boolean' } as const

/** For util.parseArgs. */
export const filterOptions = {
  ...{ tagged: list, 'not-tagged': list, untagged: flag, in: list, 'not-in': list, 'in-no-collection': flag },
  ...{ text, type: list, 'taken-after': text, 'taken-before': text, where: text },
} as const

export const filterUsage = `  --tagged TAG             has this tag; several times: has all of them
  --not-tagged TAG         has not; several times: has none of them
  --untagged               has no tags
  --in COLLECTION          is in this collection or below it; several times: in one of them
  --not-in COLLECTION      is not; several times: is in none of them
  --in-no-collection       is in none at all
  --text WORDS             has these words in its name, title, description or tags
  --type TYPE              is of this type, e.g. image/png; several times: of one of them
  --taken-after DATE       taken after this moment, e.g. 2025-03-01
  --taken-before DATE      taken before it
  --where JSON             any other filter of the API (AssetWhere), e.g. '{"minWidth": 1000}'`

/** What util.parseArgs gives for {@link filterOptions}. */
export interface FilterFlags {
  tagged?: string[] | undefined
  'not-tagged'?: string[] | undefined
  untagged?: boolean | undefined
  in?: string[] | undefined
  'not-in'?: string[] | undefined
  'in-no-collection'?: boolean | undefined
  text?: string | undefined
  type?: string[] | undefined
  'taken-after'?: string | undefined
  'taken-before'?: string | undefined
  where?: string | undefined
}

/** An AssetWhere; null when no flag was given. @throws UsageError */
export function whereOf(flags: FilterFlags): object | null {
  const where = Object.entries({
    tagsAll: flags.tagged,
    tagsNone: flags['not-tagged'],
    untagged: flags.untagged,
    collections: flags.in,
    collectionsNone: flags['not-in'],
    inNoCollection: flags['in-no-collection'],
    text: flags.text,
    mimeTypes: flags.type,
    takenAfter: dateOf(flags, 'taken-after'),
    takenBefore: dateOf(flags, 'taken-before'),
    and: flags.where === undefined ? undefined : [parsed(flags.where)],
  }).filter(([, value]) => value !== undefined)
  return where.length > 0 ? Object.fromEntries(where) : null
}

function dateOf(flags: FilterFlags, name: 'taken-after' | 'taken-before'): string | undefined {
  const given = flags[name]
  if (given === undefined) return undefined
  const date = new Date(/^\d{4}$/.test(given) ? `${given}-01-01` : given)
  if (Number.isNaN(date.getTime()))
    throw new UsageError(
      `--${name} is "${given}"; give a day or a moment, e.g. 2025-03-01 or 2025-03-01T12:00:00Z.`,
    )
  return date.toISOString()
}

function parsed(text: string): object {
  try {
    const where: unknown = JSON.parse(text)
    if (typeof where === 'object' && where !== null && !Array.isArray(where)) return where
  } catch {
    // Said below.
  }
  throw new UsageError(`--where is no JSON object: ${text}`)
}
