import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { printResults, type Results, resultFields, withServerErrors } from './search/results.ts'
import { countOf, imageFile } from './search.ts'
import { reach } from './shared/reach.ts'
import { complain, say, withUsageErrors } from './shared/usage.ts'

const usage = `limn similar ID|FILE [--first N] [--json]

Finds images of the library that are like one of them, or like a file, the best first.

  --first N      how many, 1 to 100 (10)
  --json         for programs
  --url URL      another server; else that of LIMN_HOME, which is started if it does not run
  --key KEY      that server's key
`

const byId = `query ($id: ID!, $first: Int) { asset(id: $id) { similar(first: $first) { ${resultFields} } } }`
const byFile = `query ($image: String!, $first: Int) {
  search(prompts: [{ base64: $image }], first: $first) { ${resultFields} }
}`

export const similarCommand = withUsageErrors(async (args: string[]): Promise<number> => {
  const text = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{ first: text, url: text, key: text },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return say(usage, 0)
  const [given, ...others] = positionals
  if (given === undefined || others.length > 0)
    return complain(`Give the id of one image, or a file.\n\n${usage}`, 2)
  const first = countOf(values.first)
  const isId = /^asset_\w+$/.test(given)
  const image = isId ? null : await imageFile(given)
  const { config } = readConfig(process.env)
  await using server = await reach(config, values.url, values.key)
  return withServerErrors(async () => {
    if (image !== null) {
      const { search } = await server.client.send<{ search: Results }>(byFile, { image, first })
      return printResults(search, values.json)
    }
    const { asset } = await server.client.send<{ asset: { similar: Results } | null }>(byId, {
      id: given,
      first,
    })
    if (!asset) return complain(`There is no image "${given}".`, 1)
    return printResults(asset.similar, values.json)
  })
})
