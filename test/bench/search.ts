/**
 * Search: recall@10 against exact search and time, on 20,000 rows of the embedded database and 50,000 of a throw-away
 * PostgreSQL, beside the bare SQL that a person would write for it. `npx node test/bench/search.ts`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { embedded } from '../../prisma/backends/embedded.ts'
import { postgres } from '../../prisma/backends/postgres.ts'
import { openDatabase } from '../../prisma/open.ts'
import type { AssetFilter } from '../../prisma/types.ts'
import { encodeVector, vectorIndex } from '../../prisma/vectors/sql.ts'
import { postgresBin, startPostgres } from '../support/postgres.ts'
import {
  assetIdOf,
  clustered,
  dimensions,
  load,
  type Place,
  revision,
  type SearchData,
  space,
  tagsOf,
} from './search-data.ts'

const top = 10

export interface SearchBenchRow {
  database: 'embedded' | 'postgres'
  rows: number
  filter: 'none' | '1 %' | '10 %'
  recall: number
  /** Milliseconds of the whole search(), and of the bare SQL on one connection. */
  p50: number
  p99: number
  sqlP50: number
}

const filters: { filter: SearchBenchRow['filter']; tag: string | null }[] = [
  { filter: 'none', tag: null },
  { filter: '1 %', tag: 'percent' },
  { filter: '10 %', tag: 'tenth' },
]

export async function searchBench({
  embeddedRows = 20_000,
  postgresRows = 50_000,
  log = (line: string) => console.log(line),
} = {}): Promise<SearchBenchRow[]> {
  const results: SearchBenchRow[] = []
  const run = async (rows: number, url: string | null) => {
    const home = mkdtempSync(path.join(os.tmpdir(), 'limn-bench-'))
    try {
      const data = clustered(rows)
      const begun = performance.now()
      let said = 0
      await load(data, { home, url }, (done) => {
        if (done - said < rows / 5) return
        said = done
        log(`  ${url ? 'postgres' : 'embedded'}: ${done} of ${rows} rows, ${seconds(begun)} s`)
      })
      log(`  ${url ? 'postgres' : 'embedded'}: loaded and indexed in ${seconds(begun)} s`)
      results.push(...(await measure(data, { home, url })))
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  }
  if (embeddedRows > 0) await run(embeddedRows, null)
  if (postgresRows > 0 && postgresBin()) {
    const server = await startPostgres()
    try {
      await run(postgresRows, server.url)
    } finally {
      await server.stop()
    }
  }
  return results
}

async function measure(data: SearchData, place: Place): Promise<SearchBenchRow[]> {
  const database = place.url ? 'postgres' : 'embedded'
  const bare = await bareTimes(data, place)
  const db = await openDatabase(place)
  try {
    const rows: SearchBenchRow[] = []
    for (const { filter, tag } of filters) {
      const where: AssetFilter | null = tag ? { tagsAll: [tag] } : null
      const times: number[] = []
      let found = 0
      for (const [i, query] of [...data.queries.slice(0, 5), ...data.queries].entries()) {
        const begun = performance.now()
        const { hits } = await db.vectors.search({ revision, dimensions, query, where, first: top })
        // The first ones warm the caches.
        if (i < 5) continue
        times.push(performance.now() - begun)
        const best = exact(data, query, tag)
        found += hits.filter(({ assetId }) => best.has(assetId)).length
      }
      rows.push({
        database,
        rows: data.vectors.length,
        filter,
        recall: found / (top * data.queries.length),
        p50: quantile(times, 0.5),
        p99: quantile(times, 0.99),
        sqlP50: quantile(bare.get(filter)!, 0.5),
      })
    }
    return rows
  } finally {
    await db.close()
  }
}

/** The index alone without a filter; with one, an exact scan of what it keeps. */
async function bareTimes({ queries }: SearchData, { home, url }: Place): Promise<Map<string, number[]>> {
  const backend = url ? postgres : embedded
  const connection = await backend.connect({ url, home })
  const client = new pg.Client({ ...connection.config })
  await client.connect()
  const index = vectorIndex(backend.index, space)
  await client.query(`SET hnsw.ef_search = 200`)
  const all = `SELECT "assetId" FROM "AssetVector" WHERE ${index.predicate} ORDER BY ${index.expression.slice(1, -1)} <#> $1::vector::${index.type} LIMIT ${top}`
  const some = (tag: string) =>
    `SELECT s."assetId" FROM "AssetVector" s JOIN "Asset" a ON a."id" = s."assetId" WHERE a."tags" @> '{${tag}}' AND s.${index.predicate} ORDER BY s.v <#> $1::vector LIMIT ${top}`
  const result = new Map<string, number[]>()
  for (const { filter, tag } of filters) {
    const times: number[] = []
    for (const query of queries) {
      const begun = performance.now()
      await client.query(tag ? some(tag) : all, [encodeVector(query)])
      times.push(performance.now() - begun)
    }
    result.set(filter, times)
  }
  await client.end()
  await connection.close()
  return result
}

function exact({ vectors }: SearchData, query: Float32Array, tag: string | null): Set<string> {
  const scored: [number, number][] = []
  for (const [row, vector] of vectors.entries()) {
    if (tag && !tagsOf(row).includes(tag)) continue
    let product = 0
    for (let i = 0; i < vector.length; i++) product += vector[i]! * query[i]!
    scored.push([product, row])
  }
  scored.sort(([a], [b]) => b - a)
  return new Set(scored.slice(0, top).map(([, row]) => assetIdOf(row)))
}

const quantile = (values: number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))]!
const seconds = (begun: number) => ((performance.now() - begun) / 1000).toFixed(0)

export function printSearch(results: SearchBenchRow[]): void {
  for (const { database, rows, filter, recall, p50, p99, sqlP50 } of results)
    console.log(
      `${database.padEnd(9)} ${String(rows).padStart(6)} rows  filter ${filter.padEnd(5)} recall@10 ${recall.toFixed(4)}  p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  bare SQL p50 ${sqlP50.toFixed(1)} ms`,
    )
}

if (import.meta.main) {
  const [embeddedRows, postgresRows] = process.argv.slice(2).map(Number)
  printSearch(await searchBench({ embeddedRows, postgresRows }))
}
