import type pg from 'pg'

/** Work that may take minutes, on a connection of its own without time limits; it is closed afterwards. */
export async function withoutTimeLimits<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('SET statement_timeout = 0; SET lock_timeout = 0')
    return await work(client)
  } finally {
    client.release(true)
  }
}
