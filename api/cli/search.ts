import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { printResults, type Results, resultFields, withServerErrors } from './search/results.ts'
import { reach } from './shared/reach.ts'
import { complain, say, UsageError, withUsageErrors } from './shared/usage.ts'

const modes = ['hybrid', 'meaning', 'words']

const usage = `limn search WORDS... [--file FILE] [--mode ${modes.join('|')}] [--first N] [--json]

Finds images of the library by what they show and by what they are called, the best first. "-word" (behind --, or with
others in quotation marks: "cat -dog") leaves out what has the word, '"a phrase"' is looked for as one.

  --file FILE    an image that they should be like; with or without words
  --avoid TEXT   what they should not show; may be given several times
  --mode MODE    hybrid looks at words and meaning, meaning and words at one of them (hybrid)
  --first N      how many, 1 to 100 (10)
  --model NAME   a model other than the server's default
  --json         for programs
  --url URL      another server; else that of LIMN_HOME, which is started if it does not run
  --key KEY      that server's key
`

const query = `query ($prompts: [PromptInput!], $mode: SearchMode!, $first: Int, $model: ID) {
  search(prompts: $prompts, mode: $mode, first: $first, model: $model) { suggestions ${resultFields} }
}`

export const searchCommand = withUsageErrors(async (args: string[]): Promise<number> => {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{ file: text, mode: text, first: text, model: text, url: text, key: text },
      avoid: { ...text, multiple: true },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return say(usage, 0)
  const words = positionals.join(' ').trim()
  if (words === '' && values.file === undefined) return complain(`Say what to look for.\n\n${usage}`, 2)
  const mode = values.mode ?? 'hybrid'
  if (!modes.includes(mode)) return complain(`--mode is "${mode}"; give ${modes.join(', ')}.`, 2)
  const prompts = [
    ...(words === '' ? [] : [{ text: words }]),
    ...(values.file === undefined ? [] : [{ base64: await imageFile(values.file) }]),
    ...(values.avoid ?? []).map((avoided) => ({ text: avoided, weight: -0.5 })),
  ]
  const variables = { prompts, mode: mode.toUpperCase(), first: countOf(values.first), model: values.model }
  const { config } = readConfig(process.env)
  await using server = await reach(config, values.url, values.key)
  return withServerErrors(async () => {
    const { search } = await server.client.send<{ search: Results }>(query, variables)
    return printResults(search, values.json)
  })
})

/** @throws UsageError */
export function countOf(given: string | undefined): number {
  if (given !== undefined && !/^\d+$/.test(given))
    throw new UsageError(`--first is "${given}"; give it as a whole number.`)
  return Number(given ?? 10)
}

/** In base64. @throws UsageError */
export async function imageFile(file: string): Promise<string> {
  try {
    return (await readFile(file)).toString('base64')
  } catch (error) {
    throw new UsageError(`The file "${file}" cannot be read: ${(error as Error).message}`)
  }
}
