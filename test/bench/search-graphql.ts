/**
 * What GraphQL adds to a search: the same prompt, cached, through the server and as bare SQL on the same PostgreSQL
 * with 20,000 vectors. `npm run bench -- graphql`
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { postgresBin, startPostgres } from '../support/postgres.ts'

const rows = 20_000
const rounds = 200
const prompt = 'a red heart'

export async function searchThroughGraphQL(log = (line: string) => console.log(line)): Promise<void> {
  if (!postgresBin()) return log('skipped: PostgreSQL is not installed')
  const postgres = await startPostgres()
  const home = mkdtempSync(path.join(os.tmpdir(), 'limn-bench-'))
  const settings = {
    LIMN_HOME: home,
    DATABASE_URL: postgres.url,
    PORT: '0',
    LIMN_SAMPLES: 'false',
    LIMN_LOG_LEVEL: 'warn',
  }
  const child = spawn(process.execPath, ['api/limn.ts', 'serve'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const client = new pg.Client({ connectionString: postgres.url })
  try {
    const url = await new Promise<string>((resolve) =>
      createInterface(child.stdout!).on('line', (line) => {
        const found = line.match(/answers at (http:\S+)/)
        if (found) resolve(found[1]!)
      }),
    )
    const ask = async (query: string) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      })
      const { data, errors } = (await response.json()) as { data: any; errors?: { message: string }[] }
      if (errors) throw new Error(errors[0]!.message)
      return data
    }
    const { embed } = await ask(
      `{ embed(inputs: [{ text: "${prompt}" }]) { ... on Embedding { values model { revision dimensions } } } }`,
    )
    const { values, model } = embed[0]
    await client.connect()
    log(`filling a library of ${rows} rows x ${model.dimensions}`)
    await fill(client, model)
    const search = `{ search(prompt: "${prompt}", first: 10) { edges { score node { id name } } } }`
    const bare = `SELECT "assetId" FROM "AssetVector" WHERE revision = '${model.revision}'
      ORDER BY v::halfvec(${model.dimensions}) <#> $1::vector::halfvec(${model.dimensions}) LIMIT 10`
    await client.query('SET hnsw.ef_search = 200')
    const times = { graphql: [] as number[], sql: [] as number[] }
    for (let i = 0; i < rounds + 20; i++) {
      const begun = performance.now()
      await ask(search)
      const between = performance.now()
      await client.query(bare, [JSON.stringify(values)])
      if (i < 20) continue
      times.graphql.push(between - begun)
      times.sql.push(performance.now() - between)
    }
    const p50 = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1]!
    const [graphql, sql] = [p50(times.graphql), p50(times.sql)]
    log(
      `search, p50 of ${rounds}: GraphQL ${graphql.toFixed(1)} ms, bare SQL ${sql.toFixed(1)} ms, difference ${(graphql - sql).toFixed(1)} ms`,
    )
  } finally {
    await client.end().catch(() => {})
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
    await postgres.stop()
    rmSync(home, { recursive: true, force: true })
  }
}

/** Random unit vectors in the model's own space: only the time matters here, recall is measured in search.ts. */
async function fill(
  client: pg.Client,
  { revision, dimensions }: { revision: string; dimensions: number },
): Promise<void> {
  await client.query(
    `INSERT INTO "Asset" ("id", "contentHash", "name", "tags", "mimeType", "bytes", "width", "height", "status")
     SELECT 'asset_' || lpad(n::text, 26, '0'), md5(n::text), 'image ' || n, '{}', 'image/png', 1, 64, 64, 'READY'
     FROM generate_series(1, $1) n`,
    [rows],
  )
  await client.query(
    `INSERT INTO "AssetVector" ("assetId", "revision", "v")
     SELECT id, $1, l2_normalize((SELECT array_agg(x) FROM (SELECT random() - 0.5 + length(id) * 0 AS x FROM generate_series(1, $2::int)) r)::real[]::vector)
     FROM "Asset"`,
    [revision, dimensions],
  )
  await client.query('ANALYZE')
}

if (import.meta.main) await searchThroughGraphQL()
