import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Limn } from './limn.ts'
import { add, draw, search } from './operations.ts'

// node main.ts [IMAGE ...]
const limn = new Limn(process.env.LIMN_URL, process.env.LIMN_KEY)

const first = await search(limn, 'birthday party', 3)
const second = await search(limn, 'birthday party', 3, first.pageInfo.endCursor)
for (const { score, node } of [...first.edges, ...second.edges]) console.log(score.toFixed(3), node.name)

for (const image of process.argv.slice(2)) {
  const file = new File([await readFile(image)], path.basename(image))
  const [{ asset, message }] = await add(limn, [file], ['from fetch'])
  console.log(asset ? `added ${asset.id}` : message)
}

const input = { prompt: 'red heart', generator: 'SHAPES', steps: 20, width: 128, height: 128 }
for await (const { status, step, steps, svg } of draw(limn, input)) {
  console.log(`step ${step} of ${steps}`)
  if (status !== 'DONE') continue
  await writeFile('heart.svg', svg)
  console.log(status, 'heart.svg')
}
