import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createLimn } from './client.ts'
import { draw } from './draw.ts'
import { search } from './search.ts'
import { add } from './upload.ts'

// node main.ts [IMAGE ...]
const limn = createLimn(process.env.LIMN_URL, process.env.LIMN_KEY)

const variables = { prompt: 'birthday party', first: 3 }
const { pageInfo } = await search(limn, variables)
const { edges } = await search(limn, { ...variables, after: pageInfo.endCursor })
for (const { score, node } of edges) console.log(score.toFixed(3), node.name)

for (const image of process.argv.slice(2)) {
  const file = new File([await readFile(image)], path.basename(image))
  for (const added of await add(limn, [file], ['from urql'])) {
    if (added?.__typename === 'AddedAsset') console.log(`added ${added.asset.id}`)
    if (added?.__typename === 'InputError') console.log(added.message)
  }
}

const input = { prompt: 'red heart', generator: 'SHAPES', steps: 20, width: 128, height: 128 } as const
const { status, svg } = await draw(limn, input, ({ step, steps }) => console.log(`step ${step} of ${steps}`))
await writeFile('heart.svg', svg!)
console.log(status, 'heart.svg')
