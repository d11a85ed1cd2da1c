/** Everything that is kept in one database, over one pool. */
import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import { PrismaAssets } from './assets.ts'
import type { Backend } from './backends/backend.ts'
import { PgEnrichments } from './enrichments.ts'
import { PrismaClient } from './generated/client.ts'
import { PgLeases } from './leases.ts'
import { PrismaRuns } from './runs.ts'
import type { Database } from './types.ts'
import { PgVectors } from './vectors/store.ts'

export interface Stores extends Pick<Database, 'assets' | 'vectors' | 'enrichments'> {
  leases: PgLeases
  runs: PrismaRuns
  close(): Promise<void>
}

/** `owner` holds the leases; see server-id.ts. The pool stays the caller's. */
export function openStores(pool: pg.Pool, backend: Backend, owner: string): Stores {
  const client = new PrismaClient({ adapter: new PrismaPg(pool) })
  const vectors = new PgVectors(pool, backend)
  return {
    vectors,
    assets: new PrismaAssets(client, () => vectors.assetsChanged()),
    runs: new PrismaRuns(client, pool, owner),
    enrichments: new PgEnrichments(pool),
    leases: new PgLeases(pool, owner),
    close: () => client.$disconnect(),
  }
}
