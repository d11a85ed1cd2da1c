/**
 * Time of a search by words and meaning beside one by meaning alone, on 20,000 rows of the embedded database and of
 * a throw-away PostgreSQL: words that few, some and many rows have. `npx node test/bench/finding/speed.ts`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { startEmbedded } from '../../../prisma/embedded/start.ts'
import { openDatabase } from '../../../prisma/open.ts'
import { promptWords } from '../../../prisma/words/query/terms.ts'
import { postgresBin, startPostgres } from '../../support/postgres.ts'
import { clustered, dimensions, load, type Place, revision } from '../search-data.ts'

const rows = 20_000
const searches = 60
/** Texts, by the share of rows that have their words. */
const asked = {
  'one row in 2,000': 'walrus',
  '1 %': 'horse',
  '10 %': 'blue',
  '25 %': 'icon',
  '25 % and 10 %': 'blue icon',
  '25 % and 1 %': 'horse icon',
  none: 'okapi',
}

export async function speedBench(log = (line: string) => console.log(line)): Promise<void> {
  await measure({ home: mkdtempSync(path.join(os.tmpdir(), 'limn-bench-')), url: null }, log)
  if (!postgresBin()) return
  const server = await startPostgres()
  await measure({ home: mkdtempSync(path.join(os.tmpdir(), 'limn-bench-')), url: server.url }, log)
  await server.stop()
}

async function measure(place: Place, log: (line: string) => void): Promise<void> {
  const data = clustered(rows, searches)
  await load(data, place)
  await label(place)
  const db = await openDatabase(place)
  try {
    // The rows' words are written, and counted, as after an update of Limn.
    await db.words.idle()
    for (const [what, text] of Object.entries(asked)) {
      const times = { meaning: [] as number[], hybrid: [] as number[], words: [] as number[] }
      let truncated = 0
      for (const [n, query] of data.queries.entries()) {
        const timed = async (kind: keyof typeof times, work: () => Promise<unknown>) => {
          const begun = performance.now()
          await work()
          // The first ones warm the caches.
          if (n >= 5) times[kind].push(performance.now() - begun)
        }
        const byWords = async (meaning: object | null) => {
          const plan = await db.words.plan([{ words: promptWords(text), weight: 1 }])
          const found = await db.words.search({ plan: plan!, first: 10, meaning: meaning as never })
          truncated += +found.truncated
        }
        await timed('meaning', () => db.vectors.search({ revision, dimensions, query, first: 10 }))
        await timed('hybrid', () => byWords({ revision, dimensions, query, strength: 0.2 }))
        await timed('words', () => byWords(null))
      }
      const p = (list: number[], q: number) =>
        list.sort((a, b) => a - b)[Math.floor(q * list.length)]!.toFixed(1)
      log(
        `${place.url ? 'postgres' : 'embedded'} ${rows} rows, words of ${what}: p50 / p95 MEANING ${p(times.meaning, 0.5)} / ${p(times.meaning, 0.95)} ms, HYBRID ${p(times.hybrid, 0.5)} / ${p(times.hybrid, 0.95)} ms, WORDS ${p(times.words, 0.5)} / ${p(times.words, 0.95)} ms, truncated ${truncated} of ${2 * searches}`,
      )
    }
  } finally {
    await db.close()
    rmSync(place.home, { recursive: true, force: true })
  }
}

/** Names of one to four words, by the rows' numbers. */
async function label({ home, url }: Place): Promise<void> {
  const embedded = url ? null : await startEmbedded({ home })
  const client = new pg.Client(embedded?.connection ?? { connectionString: url! })
  await client.connect()
  await client.query(
    `UPDATE "Asset" SET "name" = concat_ws('-', 'file' || n,
       CASE WHEN n % 4 = 0 THEN 'icon' END, CASE WHEN n % 10 = 3 OR n % 100 = 8 THEN 'blue' END,
       CASE WHEN n % 100 IN (4, 37) THEN 'horse' END, CASE WHEN n % 2000 = 1 THEN 'walrus' END) || '.png'
     FROM (SELECT "id" AS key, (row_number() OVER (ORDER BY "id"))::int AS n FROM "Asset") numbered WHERE "id" = key`,
  )
  await client.end()
  await embedded?.close()
}

if (import.meta.main) {
  await speedBench()
  process.exit(0)
}
