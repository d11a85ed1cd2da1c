/**
 * What a search suggests where the library has no match: 200 words that no file of the team's folder has, half of them
 * names of things from the same packages, half words of the folder with a slip of the hand. A suggestion is right when
 * the first image found by it shows or is called what it says.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { stem } from '../../../prisma/words/text/stem.ts'
import { uniform } from '../../../workers/random.ts'
import type { Log } from '../tools.ts'
import type { TeamFile } from './files.ts'
import { saidOf } from './judge.ts'
import type { TeamLibrary } from './library.ts'
import { packageFolder } from './packages.ts'

const count = 200

export async function suggestionsBench(
  library: TeamLibrary,
  files: readonly TeamFile[],
  log: Log,
): Promise<void> {
  const random = uniform(3)
  const known = new Set(files.flatMap((file) => [...saidOf(file)]))
  const shuffled = (words: string[]) =>
    words
      .map((word) => ({ word, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ word }) => word)
  const unknown = shuffled(otherWords().filter((word) => !known.has(stem(word)))).slice(0, count / 2)
  const slips = shuffled([...known].filter((word) => /^[a-z]{5,12}$/.test(word)))
    .map((word) => slipOf(word, random))
    .filter((word) => !known.has(stem(word)))
    .slice(0, count / 2)
  for (const [what, prompts] of Object.entries({ 'unknown words': unknown, slips })) {
    // The words of the library are encoded when the first one asks.
    await suggest(library, prompts[0]!)
    await new Promise((resolve) => setTimeout(resolve, 5000))
    let right = 0
    let answered = 0
    for (const prompt of prompts) {
      const [first] = await suggest(library, prompt)
      if (first === undefined) continue
      answered++
      const [hit] = (
        await library.ask('query ($prompt: String) { search(prompt: $prompt, first: 1) { nodes { id } } }', {
          prompt: first,
        })
      ).search.nodes
      const said = saidOf(library.fileOf(hit.id))
      if (first.split(' ').every((word: string) => said.has(stem(word)))) right++
      if (process.env.LIMN_BENCH_DETAILS) log(`  ${prompt} -> ${first}: ${library.fileOf(hit.id).name}`)
    }
    log(
      `suggestions for ${prompts.length} ${what}: ${answered} have one, of ${right} the first image is right (${((100 * right) / prompts.length).toFixed(0)} %)`,
    )
  }
}

async function suggest(library: TeamLibrary, prompt: string): Promise<string[]> {
  const query = 'query ($prompt: String) { search(prompt: $prompt, first: 1) { suggestions } }'
  return (await library.ask(query, { prompt })).search.suggestions
}

/** Single words of emoji and icons. */
function otherWords(): string[] {
  const emoji: { annotation: string; skintone: string }[] = JSON.parse(
    readFileSync(path.join(packageFolder('openmoji'), 'package/data/openmoji.json'), 'utf8'),
  )
  const icons = JSON.parse(
    readFileSync(path.join(packageFolder('lucide-static'), 'package/tags.json'), 'utf8'),
  )
  const names = [
    ...emoji.filter(({ skintone }) => !skintone).map(({ annotation }) => annotation),
    ...Object.keys(icons),
  ]
  return [...new Set(names.filter((name) => /^[a-z]{4,}$/.test(name)))]
}

/** One letter less, one twice, or two that changed places. */
function slipOf(word: string, random: () => number): string {
  const at = 1 + Math.floor(random() * (word.length - 2))
  const kind = Math.floor(random() * 3)
  if (kind === 0) return word.slice(0, at) + word.slice(at + 1)
  if (kind === 1) return word.slice(0, at) + word[at] + word.slice(at)
  return word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2)
}
