import { Embed, Search } from './documents.ts'
import { execute } from './execute.ts'

const server = { url: process.env.LIMN_URL, key: process.env.LIMN_KEY }

const found = await execute(Search, { prompt: 'birthday party', first: 3 }, server)
for (const { score, node } of found.data?.search?.edges ?? []) console.log(score.toFixed(3), node.name)

const embedded = await execute(Embed, { inputs: [{ text: 'hot coffee' }, { base64: 'AA==' }] }, server)
for (const result of embedded.data?.embed ?? [])
  console.log(
    result.__typename === 'Embedding' ? `${result.dimensions} numbers` : `${result.index}: ${result.code}`,
  )
