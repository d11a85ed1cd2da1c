/** `npm run bench`: every figure of docs/benchmarks.md, in ratios taken in one run on one machine. About fifteen minutes on two cores. */
import { bundledBench } from './bundled.ts'
import { colourBench } from './colour.ts'
import { decodingBench } from './decoding.ts'
import { findingBench } from './finding/finding.ts'
import { fusionsBench } from './fusions.ts'
import { galleryBench } from './gallery.ts'
import { guideBench } from './guide.ts'
import { listsBench } from './lists.ts'
import { relevanceBench } from './relevance.ts'
import { printSearch, searchBench } from './search.ts'
import { searchThroughGraphQL } from './search-graphql.ts'
import { throughputBench } from './throughput.ts'
import { variantsBench } from './variants.ts'

const wanted = process.argv.slice(2)
const parts: Record<string, () => Promise<unknown>> = {
  throughput: () => throughputBench(),
  decoding: () => decodingBench(),
  bundled: () => bundledBench(),
  variants: () => variantsBench(),
  fusions: () => fusionsBench(),
  search: async () => printSearch(await searchBench()),
  graphql: () => searchThroughGraphQL(),
  finding: () => findingBench(),
  lists: () => listsBench(),
  guide: () => guideBench(),
  gallery: () => galleryBench(),
  relevance: () => relevanceBench(),
  colour: () => colourBench(),
}
for (const [name, run] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`\n── ${name}`)
  await run()
}
process.exit(0)
