/**
 * What a marketing team finds in a folder of 1,500 files, by words, by meaning and by both: nDCG@10 of 60 requests, half
 * of them by name, half by what is meant. `npm run bench -- finding`; `npx node test/bench/finding/finding.ts check` for
 * other files and other requests, which nothing was fitted to.
 */
import type { Log } from '../tools.ts'
import { teamFiles } from './files.ts'
import { ndcg, type Request, requestsOf } from './judge.ts'
import { type TeamLibrary, teamLibrary } from './library.ts'
import { fetchPackages } from './packages.ts'

const modes = ['HYBRID', 'MEANING', 'WORDS'] as const
type Mode = (typeof modes)[number]
const seeds: Record<string, number> = { team: 1, check: 2 }
/** Of these the first image must be called so. */
const calledSo = ['planet', 'horse', 'halloween', 'music']

export async function findingBench(sets = ['team', 'check'], log: Log = console.log): Promise<void> {
  fetchPackages(log)
  for (const set of sets) await measure(set, log)
}

async function measure(set: string, log: Log): Promise<void> {
  const files = teamFiles(seeds[set]!)
  const requests = requestsOf(set)
  const library = await teamLibrary(set, files, log)
  try {
    const scores = new Map<Mode, { request: Request; score: number; first: string }[]>()
    for (const mode of modes) {
      const found: { request: Request; score: number; first: string }[] = []
      for (const request of requests) found.push(await answer(library, files, request, mode))
      scores.set(mode, found)
    }
    print(set, scores, log)
  } finally {
    await library.close()
  }
}

async function answer(
  { url, fileOf }: TeamLibrary,
  files: ReturnType<typeof teamFiles>,
  request: Request,
  mode: Mode,
) {
  const query =
    'query ($prompt: String!, $mode: SearchMode!) { search(prompt: $prompt, mode: $mode, first: 10) { nodes { id } } }'
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { prompt: request.text, mode } }),
  })
  const { data, errors } = (await response.json()) as { data: any; errors?: { message: string }[] }
  if (errors) throw new Error(errors[0]!.message)
  const found = data.search.nodes.map(({ id }: { id: string }) => fileOf(id)) as ReturnType<typeof teamFiles>
  const possible = files.filter(request.fits).length
  if (possible === 0) throw new Error(`No file fits "${request.text}".`)
  return { request, score: ndcg(found.map(request.fits), possible), first: found[0]?.name ?? '-' }
}

function print(
  set: string,
  scores: Map<Mode, { request: Request; score: number; first: string }[]>,
  log: Log,
): void {
  const mean = (mode: Mode, half?: Request['half']) => {
    const list = scores.get(mode)!.filter(({ request }) => !half || request.half === half)
    return list.reduce((sum, { score }) => sum + score, 0) / list.length
  }
  for (const half of ['lexical', 'meaning', undefined] as const)
    log(
      `${set}, ${half ?? 'over all'}: ${modes.map((mode) => `${mode} ${mean(mode, half).toFixed(3)}`).join('  ')}`,
    )
  const better = Math.max(mean('MEANING'), mean('WORDS'))
  log(`${set}: HYBRID is ${(mean('HYBRID') - better).toFixed(3)} above the better of the two`)
  for (const { request, first } of scores.get('HYBRID')!)
    if (calledSo.includes(request.text)) log(`  ${request.text}: ${first} first`)
  if (process.env.LIMN_BENCH_DETAILS)
    for (const [n, { request }] of scores.get('HYBRID')!.entries())
      log(
        `  ${request.half.padEnd(8)} ${request.text.padEnd(32)} ${modes.map((mode) => scores.get(mode)![n]!.score.toFixed(2)).join(' ')}  ${scores.get('HYBRID')![n]!.first}`,
      )
}

if (import.meta.main) {
  await findingBench(process.argv.slice(2).length > 0 ? process.argv.slice(2) : undefined)
  process.exit(0)
}
