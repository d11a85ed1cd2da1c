import { startMaintenance } from '../embedded/maintenance.ts'
import { noteVersions, startEmbedded } from '../embedded/start.ts'
import type { Backend } from './backend.ts'

/** PGlite in a process of its own, its files in LIMN_HOME. */
export const embedded: Backend = {
  kind: 'embedded',
  // One session serves all connections: more of them would only wait in another place.
  poolSize: 6,
  index: {
    // Full precision: WASM converts half floats in software, which made a build seven times slower.
    type: 'vector',
    operatorClass: 'vector_ip_ops',
    // The index grows by single rows, and each waits for it: 4.3 ms instead of 6 for a row, with the same recall.
    storage: ' WITH (ef_construction = 32)',
  },
  // Measured with 512 dimensions by test/bench/search.ts.
  searchLimits: {
    exactBelow: 3_000,
    indexRowCost: 3,
    fallback: 100_000,
    candidates: 200,
    wordRows: 2_000,
    error: 2e-6,
  },
  buildsConcurrently: false,
  // Its one session has no timers and nobody to wait for a lock; the wire ends transactions that stand still.
  sessionSettings: null,
  async connect(options) {
    const { connection, close } = await startEmbedded(options)
    return { config: connection, close }
  },
  maintain(pool, { version, pgvector }, { home, log }) {
    noteVersions(home, { postgres: version, pgvector })
    return startMaintenance(pool, log)
  },
}
