import { parseArgs } from 'node:util'
import { limits } from '../../workers/limits.ts'
import type { Client } from './shared/client.ts'
import { filterOptions, filterUsage, whereOf } from './shared/filter-flags.ts'
import { complain, say, withUsageErrors } from './shared/usage.ts'
import { printJson, serverOptions, serverUsage, withServer } from './shared/with-server.ts'

const usage = `limn tag [ID...] [FILTER...] --add TAG... [--remove TAG...] [--json]

Gives tags to images of the library and takes others from them, by their ids or by a filter. Images that have it all
already stay as they are. The exit status is 0 when all could be changed, 1 when some could not, 2 when the command line
cannot be used.

Changes, each may be given several times:
  --add TAG                add a tag
  --remove TAG             remove a tag, whatever its case
  --add-collection PATH    put into a collection, e.g. "Brand/2025"
  --remove-collection PATH take out of a collection and of those below it

Filter; all of them must match:
${filterUsage}
  --all                    every image of the library

  --dry-run                only say how many images it would be
  --json                   a line of JSON for each image: id, name, tags, collections, changed, error
${serverUsage}

limn tag --in Inbox --untagged --add "to sort"
limn tag asset_01... asset_02... --add logo --remove draft
`

const updateAssets = `mutation ($input: UpdateAssetsInput!) {
  updateAssets(input: $input) {
    results {
      ... on UpdatedAsset { changed asset { id name tags collections } }
      ... on InputError { index message }
    }
    endCursor
    userErrors { message }
  }
}`

interface Updated {
  changed: string[]
  asset: { id: string; name: string; tags: string[]; collections: string[] }
}
interface Payload {
  results: (Updated | { index: number; message: string })[]
  endCursor: string | null
  userErrors: { message: string }[]
}

export const tagCommand = withUsageErrors(async (args: string[]): Promise<number> => {
  const list = { type: 'string', multiple: true } as const
  const flag = { type: 'boolean' } as const
  const { values, positionals: ids } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...{ add: list, remove: list, 'add-collection': list, 'remove-collection': list },
      ...{ all: flag, 'dry-run': flag, json: flag, help: { ...flag, short: 'h' } },
      ...filterOptions,
      ...serverOptions,
    },
  })
  if (values.help) return say(usage, 0)
  const where = whereOf(values) ?? (values.all ? {} : null)
  if (ids.length > 0 && where !== null) return complain('Give either ids or a filter, not both.', 2)
  if (ids.length === 0 && where === null)
    return complain(`Say which images: ids, a filter, or --all.\n\n${usage}`, 2)
  const change = {
    addTags: values.add,
    removeTags: values.remove,
    addCollections: values['add-collection'],
    removeCollections: values['remove-collection'],
  }
  if (!values['dry-run'] && Object.values(change).every((list) => list === undefined))
    return complain(`Say what to change, e.g. --add TAG.\n\n${usage}`, 2)
  return withServer(values, (client) => {
    if (values['dry-run']) return dryRun(client, ids, where, values.json === true)
    return tag(parts(client, ids, where, change), values.json === true)
  })
})

async function dryRun(client: Client, ids: readonly string[], where: object | null, json: boolean) {
  const query = 'query ($where: AssetWhere) { assets(where: $where) { totalCount totalCountIsEstimate } }'
  const { assets } = await client.send<{
    assets: { totalCount: number; totalCountIsEstimate: boolean }
  }>(query, { where: where ?? { ids } })
  if (json) printJson({ matched: assets.totalCount, isEstimate: assets.totalCountIsEstimate })
  else console.log(`${assets.totalCountIsEstimate ? 'about ' : ''}${images(assets.totalCount)}`)
  return 0
}

/** Answers to one request after the other, until all images were reached. */
async function* parts(client: Client, ids: readonly string[], where: object | null, change: object) {
  const send = async (input: object) =>
    (await client.send<{ updateAssets: Payload }>(updateAssets, { input: { ...input, ...change } }))
      .updateAssets
  for (let from = 0; from < ids.length; from += limits.updateAssets) {
    const some = ids.slice(from, from + limits.updateAssets)
    yield { sent: some, ...(await send({ ids: some })) }
  }
  if (where === null) return
  for (let after: string | null = null; ; ) {
    const payload: Payload = await send({ where, after })
    yield { sent: null, ...payload }
    after = payload.endCursor
    if (after === null) return
  }
}

async function tag(answers: ReturnType<typeof parts>, json: boolean): Promise<number> {
  let changed = 0
  let same = 0
  const failed: string[] = []
  for await (const { sent, results, userErrors } of answers) {
    if (userErrors.length > 0) return complain(userErrors.map(({ message }) => message).join('\n'), 1)
    for (const result of results) {
      if ('message' in result) {
        // With a filter the message alone is known.
        const id = sent?.[result.index] ?? null
        failed.push(id === null || result.message.includes(id) ? result.message : `${id}: ${result.message}`)
        if (json) printJson({ id, error: result.message })
        continue
      }
      if (result.changed.length > 0) changed++
      else same++
      if (json) printJson({ ...result.asset, changed: result.changed.length > 0, error: null })
    }
  }
  if (!json) console.log(`${images(changed)} changed, ${same} had it all already, ${failed.length} failed`)
  for (const message of failed) console.error(`  ${message}`)
  return failed.length > 0 ? 1 : 0
}

const images = (count: number) => `${count} image${count === 1 ? '' : 's'}`
