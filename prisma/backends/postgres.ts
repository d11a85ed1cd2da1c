import type { Backend } from './backend.ts'

/** A PostgreSQL server of the operator's, at DATABASE_URL. */
export const postgres: Backend = {
  kind: 'postgres',
  poolSize: 12,
  // Half precision: half the size, built in a quarter less time.
  index: { type: 'halfvec', operatorClass: 'halfvec_ip_ops', storage: '' },
  // Measured with 512 dimensions by test/bench/search.ts.
  searchLimits: {
    exactBelow: 3_000,
    indexRowCost: 3,
    fallback: 500_000,
    candidates: 200,
    wordRows: 5_000,
    error: 2e-4,
  },
  buildsConcurrently: true,
  // Set, and not sent with the connection's start: PgBouncer refuses that.
  sessionSettings:
    "SET statement_timeout = '60s'; SET lock_timeout = '20s'; SET idle_in_transaction_session_timeout = '60s'",
  async connect({ url }) {
    return { config: { connectionString: url ?? '' }, async close() {} }
  },
  // Autovacuum and the checkpointer do it.
  maintain: () => ({ async close() {} }),
}
