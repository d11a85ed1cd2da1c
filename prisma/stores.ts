/** Everything that is kept in one database, over one pool. */
import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import { PrismaAssets } from './assets.ts'
import type { Backend } from './backends/backend.ts'
import { PgCensus } from './census/photographs.ts'
import { PgEnrichments } from './enrichments.ts'
import { PrismaClient } from './generated/client.ts'
import { PgLeases } from './leases.ts'
import { CountChanges } from './lists/changes.ts'
import { PgCounts } from './lists/counts.ts'
import { PrismaRuns } from './runs.ts'
import type { Database, OpenDatabaseOptions } from './types.ts'
import { PgVectors } from './vectors/store.ts'
import { PgWords } from './words/store.ts'
import { WordsUpkeep } from './words/upkeep.ts'
import { Vocabulary } from './words/vocabulary.ts'

export interface Stores
  extends Pick<Database, 'assets' | 'counts' | 'vectors' | 'enrichments' | 'census' | 'words'> {
  leases: PgLeases
  runs: PrismaRuns
  close(): Promise<void>
}

/** `owner` holds the leases; see server-id.ts. The pool stays the caller's. */
export function openStores(
  pool: pg.Pool,
  backend: Backend,
  owner: string,
  log?: OpenDatabaseOptions['log'],
): Stores {
  const client = new PrismaClient({ adapter: new PrismaPg(pool) })
  const vectors = new PgVectors(pool, backend)
  const changes = new CountChanges(pool)
  const vocabulary = new Vocabulary(pool)
  const leases = new PgLeases(pool, owner)
  const upkeep = new WordsUpkeep({ pool, vocabulary, leases, log })
  const words = new PgWords({
    ...{ pool, vocabulary, upkeep, wordRows: backend.searchLimits.wordRows },
    search: (request) => vectors.search(request),
  })
  return {
    vectors,
    words,
    assets: new PrismaAssets({
      client,
      changed() {
        vectors.assetsChanged()
        upkeep.changed()
      },
      written: () => changes.noted(),
      async learn(words) {
        upkeep.changed()
        // The asset is stored: what is not learnt now comes with the next count.
        await vocabulary.learn(words).catch(() => {})
      },
    }),
    counts: new PgCounts({ pool }),
    runs: new PrismaRuns(client, pool, owner),
    enrichments: new PgEnrichments(pool),
    census: new PgCensus(pool),
    leases,
    async close() {
      await upkeep.close()
      await changes.close()
      await client.$disconnect()
    },
  }
}
