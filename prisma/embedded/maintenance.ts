/**
 * The work of PostgreSQL's background processes. The embedded database is one process without them: without checkpoints its
 * log would only grow, and without vacuum its tables would, as every step of a run writes its row anew.
 */
import type pg from 'pg'
import type { OpenDatabaseOptions } from '../types.ts'

/** The log is never long: at its fastest a run writes 20 MB a second. */
const intervalMs = 15_000
/** Bytes of log from one checkpoint to the next; the database is started with a `max_wal_size` of twice as much. */
const checkpointAfter = 64 * 2 ** 20

interface Bloated {
  /** Quoted where it must be. */
  table: string
  dead: number
}

/**
 * Dead rows after which a table is vacuumed: so many, and such a part of the live ones. Autovacuum's part is a fifth. An
 * HNSW index is mended entry by entry while everybody waits, 12 s for 20,000 rows: vectors come when half are dead, and
 * where there are so many that connections would give up waiting, never. Large values lie apart in pieces of 2 KB. ANALYZE has
 * counted what the statistics did not see before a start.
 */
const bloated = `
  SELECT c.oid::regclass::text AS table, (rows.n_dead_tup + coalesce(pieces.n_dead_tup, 0))::float8 AS dead
  FROM pg_stat_user_tables rows
  JOIN pg_class c ON c.oid = rows.relid
  LEFT JOIN pg_stat_all_tables pieces ON pieces.relid = c.reltoastrelid
  LEFT JOIN pg_class p ON p.oid = c.reltoastrelid
  CROSS JOIN LATERAL (SELECT CASE c.relname WHEN 'AssetVector' THEN 1 ELSE 0.2 END AS of_live) part
  WHERE (rows.n_dead_tup > 1000 + greatest(rows.n_live_tup, c.reltuples) * part.of_live
      OR pieces.n_dead_tup > 10000 + greatest(pieces.n_live_tup, p.reltuples) * part.of_live)
    AND (c.relname <> 'AssetVector' OR rows.n_live_tup < 30000)`

interface MaintenanceOptions {
  log?: OpenDatabaseOptions['log']
  /** Nothing further is begun when it fires. */
  signal?: AbortSignal
  /** Tables that are left alone; one is among them while it is vacuumed, and stays when that ended the database. */
  skipped?: Set<string>
}

/** Vacuums what has many dead rows, then ends the log's old part. Others wait while one of its statements runs. */
export async function maintain(
  pool: pg.Pool,
  { log, signal, skipped = new Set() }: MaintenanceOptions = {},
): Promise<void> {
  // Counts of rows otherwise reach the statistics only with the next statement of a transaction of their own.
  await pool.query('SELECT pg_stat_force_next_flush()')
  const { rows } = await pool.query<Bloated>(bloated)
  for (const { table, dead } of rows) {
    if (signal?.aborted) return
    if (skipped.has(table)) continue
    const begun = performance.now()
    skipped.add(table)
    await pool.query(`VACUUM (ANALYZE) ${table}`)
    skipped.delete(table)
    log?.info({ table, dead, ms: Math.round(performance.now() - begun) }, 'vacuumed a table')
  }
  const written = await pool.query<{ bytes: number }>(
    'SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn)::float8 AS bytes FROM pg_control_checkpoint()',
  )
  if (written.rows[0]!.bytes > checkpointAfter && !signal?.aborted) await pool.query('CHECKPOINT')
}

/** Until it is closed. */
export function startMaintenance(
  pool: pg.Pool,
  log?: OpenDatabaseOptions['log'],
): { close(): Promise<void> } {
  const closing = new AbortController()
  const skipped = new Set<string>()
  let work: Promise<void> | null = null
  const timer = setInterval(() => {
    work ??= maintain(pool, { log, signal: closing.signal, skipped })
      // A database that ends is started again, and the next time comes.
      .catch((err) => log?.warn({ err, skipped: [...skipped] }, 'maintenance of the database failed'))
      .finally(() => {
        work = null
      })
  }, intervalMs).unref()
  return {
    async close() {
      clearInterval(timer)
      closing.abort()
      await work
    },
  }
}
