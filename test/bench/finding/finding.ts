/**
 * What a marketing team finds in a folder of 1,500 files, by words, by meaning and by both: nDCG@10 of 60 requests, half
 * of them by name, half by what is meant. `npm run bench -- finding`; `npx node test/bench/finding/finding.ts check` for
 * other files and other requests, which nothing was fitted to.
 */
import type { Log } from '../tools.ts'
import { type TeamFile, teamFiles } from './files.ts'
import { ndcg, type Request, requestsOf } from './judge.ts'
import { type TeamLibrary, teamLibrary } from './library.ts'
import { fetchPackages } from './packages.ts'
import { suggestionsBench } from './suggestions.ts'

const modes = ['HYBRID', 'MEANING', 'WORDS'] as const
type Mode = (typeof modes)[number]
const seeds: Record<string, number> = { team: 1, check: 2 }
/** Of these the first image must be called so. */
const calledSo = ['planet', 'horse', 'halloween', 'music']

interface Answer {
  request: Request
  /** nDCG@10. */
  score: number
  /** Name of the first image. */
  first: string
  ms: number
}

export async function findingBench(sets = ['team', 'check'], log: Log = console.log): Promise<void> {
  fetchPackages(log)
  for (const set of sets) await measure(set, log)
}

async function measure(set: string, log: Log): Promise<void> {
  const files = teamFiles(seeds[set]!)
  const requests = requestsOf(set)
  const library = await teamLibrary(set, files, log)
  try {
    const scores = new Map<Mode, Answer[]>()
    for (const mode of modes) {
      const found: Answer[] = []
      for (const request of requests) found.push(await answer(library, files, request, mode))
      scores.set(mode, found)
    }
    print(set, scores, log)
    if (set === 'team') await suggestionsBench(library, files, log)
  } finally {
    await library.close()
  }
}

async function answer(
  library: TeamLibrary,
  files: readonly TeamFile[],
  request: Request,
  mode: Mode,
): Promise<Answer> {
  const query = `query ($prompt: String!, $mode: SearchMode!) {
    search(prompt: $prompt, mode: $mode, first: 10) { nodes { id } }
  }`
  const begun = performance.now()
  const data = await library.ask(query, { prompt: request.text, mode })
  const ms = performance.now() - begun
  const found: TeamFile[] = data.search.nodes.map(({ id }: { id: string }) => library.fileOf(id))
  const possible = files.filter(request.fits).length
  if (possible === 0) throw new Error(`No file fits "${request.text}".`)
  return { request, score: ndcg(found.map(request.fits), possible), first: found[0]?.name ?? '-', ms }
}

function print(set: string, scores: Map<Mode, Answer[]>, log: Log): void {
  const mean = (mode: Mode, half?: Request['half']) => {
    const list = scores.get(mode)!.filter(({ request }) => !half || request.half === half)
    return list.reduce((sum, { score }) => sum + score, 0) / list.length
  }
  for (const half of ['lexical', 'meaning', undefined] as const)
    log(
      `${set}, ${half ?? 'over all'}: ${modes.map((mode) => `${mode} ${mean(mode, half).toFixed(3)}`).join('  ')}`,
    )
  const p50 = (mode: Mode) =>
    scores
      .get(mode)!
      .map(({ ms }) => ms)
      .sort((a, b) => a - b)[scores.get(mode)!.length >> 1]!
  log(`${set}, p50 through GraphQL: ${modes.map((mode) => `${mode} ${p50(mode).toFixed(1)} ms`).join('  ')}`)
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
