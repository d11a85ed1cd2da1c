/** Results of a search, for people and for programs. */
import { RequestRefused, ServerUnreachable } from '../shared/client.ts'
import { complain, say } from '../shared/usage.ts'

/** What of a connection is printed; `suggestions` where a text was looked for. */
export const resultFields = `truncated totalCount pageInfo { hasNextPage }
  edges { score why { cosine words } node { id name title collections tags url } }`

export interface Results {
  truncated: boolean
  totalCount: number | null
  pageInfo: { hasNextPage: boolean }
  suggestions?: string[] | null
  edges: {
    score: number
    why: { cosine: number | null; words: number }
    node: {
      id: string
      name: string
      title: string | null
      collections: string[]
      tags: string[]
      url: string
    }
  }[]
}

/** Prints what is found; the exit status is 0, also where nothing is. */
export function printResults({ edges, ...rest }: Results, json: boolean | undefined): number {
  if (json) {
    const hits = edges.map(({ node, ...edge }) => ({ ...node, ...edge }))
    return say(JSON.stringify({ hits, ...rest }, null, 2), 0)
  }
  if (edges.length === 0) console.error('Nothing was found.')
  const rows = edges.map(({ score, why, node }, n) => [
    String(n + 1),
    score.toFixed(3),
    why.words > 0 ? `words ${why.words.toFixed(2)}` : '',
    node.title && node.title !== node.name ? `${node.name} (${node.title})` : node.name,
    node.collections.join(', '),
    node.id,
  ])
  for (const line of table(rows)) console.log(line)
  if (rest.truncated)
    console.error('The library is not fully indexed yet, or the search ended early: more may match.')
  const { suggestions } = rest
  if (suggestions?.length)
    console.error(`Look for ${suggestions.map((text) => `"${text}"`).join(' or ')} instead?`)
  return 0
}

/** Numbers stand to the right, texts to the left; a long text is cut. */
function table(rows: readonly string[][]): string[] {
  const clean = rows.map((row) => row.map((cell) => (cell.length > 60 ? `${cell.slice(0, 59)}…` : cell)))
  const widths = clean.reduce<number[]>(
    (most, row) => row.map((cell, n) => Math.max(most[n] ?? 0, cell.length)),
    [],
  )
  return clean.map((row) =>
    row
      .map((cell, n) => (n < 2 ? cell.padStart(widths[n]!) : cell.padEnd(widths[n]!)))
      .join('  ')
      .trimEnd(),
  )
}

/** Requests that the server refuses end with its message alone. */
export async function withServerErrors(work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ServerUnreachable || error instanceof RequestRefused)) throw error
    return complain(error.message, 1)
  }
}
