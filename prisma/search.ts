import { Prisma, type PrismaClient } from './client/client.ts'
import { filterSql } from './filter.ts'
import { maxScanTuples } from './settings.ts'
import type { DatabaseInfo, SearchHits, SearchPosition, SearchRequest } from './types.ts'

export interface VectorSpace {
  revision: string
  dimensions: number
  /** The type that the index and its scan work on. */
  scan: 'vector' | 'halfvec'
  kind: DatabaseInfo['kind']
}

/**
 * Rows up to which every one is compared: exact, and no slower than walking the graph. Beyond it a filter that lets
 * this few through is still scanned exactly, as HNSW would have to walk past everything that the filter drops.
 */
const exactUpTo = { embedded: 3000, postgres: 5000 }

/** Most rows that an order by halves can put in the wrong place around the end of a page. */
const margin = (first: number) => 16 + Math.ceil(first / 2)

/**
 * Best rows by inner product with the query (vectors are L2-normalised, so that is a weighted sum of cosines), then
 * by id, after a position. Filters are part of the scan.
 */
export async function search(client: PrismaClient, space: VectorSpace, request: SearchRequest): Promise<SearchHits> {
  const { first, where, after } = request
  const filter = filterSql(where)
  const query = `[${request.query.join(',')}]`
  const start = after ? await startOf(client, space, query, after) : null
  const exact = await fewRows(client, space, filter)
  const found = exact
    ? await scanAll(client, space, query, filter, start, first + 1)
    : await scanIndex(client, space, query, filter, start, first + 1)
  const wanted = exact ? first + 1 : first + 1 + margin(first)
  return {
    hits: found.slice(0, first).map(({ assetId, distance }) => ({ assetId, product: -distance })),
    hasNextPage: found.length > first,
    truncated: !exact && found.length < Math.min(wanted, first + 1) && (await scanWasBounded(client, space)),
  }
}

interface Found {
  assetId: string
  /** Negative inner product, as pgvector's <#> gives it. */
  distance: number
}

/** The revision as a literal: only so does the planner see that the partial index applies. */
const ofRevision = ({ revision }: VectorSpace) => Prisma.raw(`s."revision" = '${revision}'`)

/**
 * Where to go on. The query may have been encoded anew since the cursor was made, with the last bit of a float off:
 * the last row's distance is taken under this query, as long as the row is there.
 */
async function startOf(client: PrismaClient, space: VectorSpace, query: string, after: SearchPosition): Promise<Found> {
  const [row] = await client.$queryRaw<{ distance: number }[]>`
    SELECT s."v" <#> ${query}::vector AS distance FROM "AssetVector" s
    WHERE ${ofRevision(space)} AND s."assetId" = ${after.assetId}`
  return { assetId: after.assetId, distance: row?.distance ?? -after.product }
}

const afterSql = (query: string, start: Found | null) =>
  start
    ? Prisma.sql`AND (s."v" <#> ${query}::vector, s."assetId") > (${start.distance}::float8, ${start.assetId})`
    : Prisma.empty

/** Whether so few rows pass the filter that each can be compared. Counting stops at the bound. */
async function fewRows(client: PrismaClient, space: VectorSpace, filter: Prisma.Sql | null): Promise<boolean> {
  const bound = exactUpTo[space.kind]
  const rows = filter
    ? Prisma.sql`SELECT 1 FROM "Asset" a WHERE ${filter} LIMIT ${bound + 1}`
    : Prisma.sql`SELECT 1 FROM "AssetVector" s WHERE ${ofRevision(space)} LIMIT ${bound + 1}`
  const [counted] = await client.$queryRaw<{ n: bigint }[]>`SELECT count(*) AS n FROM (${rows}) AS bounded`
  return Number(counted!.n) <= bound
}

/** Every row that passes the filter, compared. The CTE keeps the planner from walking the index instead. */
function scanAll(
  client: PrismaClient,
  space: VectorSpace,
  query: string,
  filter: Prisma.Sql | null,
  start: Found | null,
  count: number,
): Promise<Found[]> {
  const passing = filter
    ? Prisma.sql`AND s."assetId" = ANY(ARRAY(SELECT a."id" FROM "Asset" a WHERE ${filter}))`
    : Prisma.empty
  return client.$queryRaw<Found[]>`
    WITH compared AS MATERIALIZED (
      SELECT s."assetId", s."v" <#> ${query}::vector AS distance FROM "AssetVector" s
      WHERE ${ofRevision(space)} ${passing} ${afterSql(query, start)}
    )
    SELECT * FROM compared ORDER BY distance, "assetId" LIMIT ${count}`
}

/**
 * The HNSW index in its order, filters on the way, until enough rows have passed. Halves order a few rows wrongly: some
 * more than wanted are taken and put in the exact order.
 */
function scanIndex(
  client: PrismaClient,
  space: VectorSpace,
  query: string,
  filter: Prisma.Sql | null,
  start: Found | null,
  count: number,
): Promise<Found[]> {
  const type = Prisma.raw(`${space.scan}(${space.dimensions})`)
  const passing = filter
    ? Prisma.sql`AND EXISTS (SELECT 1 FROM "Asset" a WHERE a."id" = s."assetId" AND ${filter})`
    : Prisma.empty
  return client.$queryRaw<Found[]>`
    WITH nearest AS MATERIALIZED (
      SELECT s."assetId", s."v" <#> ${query}::vector AS distance FROM "AssetVector" s
      WHERE ${ofRevision(space)} ${passing} ${afterSql(query, start)}
      ORDER BY s."v"::${type} <#> ${query}::${type} LIMIT ${count + margin(count)}
    )
    SELECT * FROM nearest ORDER BY distance, "assetId" LIMIT ${count}`
}

/** An index scan that found too little has either seen everything or hit its bound. */
async function scanWasBounded(client: PrismaClient, space: VectorSpace): Promise<boolean> {
  const [counted] = await client.$queryRaw<{ n: bigint }[]>`
    SELECT count(*) AS n FROM (
      SELECT 1 FROM "AssetVector" s WHERE ${ofRevision(space)} LIMIT ${maxScanTuples + 1}
    ) AS bounded`
  return Number(counted!.n) > maxScanTuples
}
