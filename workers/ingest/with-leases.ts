import type { Leases } from '../../prisma/types.ts'

export interface LeaseOptions {
  leases: Leases
  kind: string
  /** How long a lease outlives its server. A living server renews it every third of that. */
  ms: number
}

/** Claims what no other server holds of `ids`, and holds it while `work` goes on. */
export async function withLeases<T>(
  ids: readonly string[],
  { leases, kind, ms }: LeaseOptions,
  work: (held: ReadonlySet<string>) => Promise<T>,
): Promise<T> {
  const held = await leases.claim(kind, ids, ms)
  // A renewal that fails does not fail the work: at worst the lease ends early and another server repeats it.
  const renewal = setInterval(() => leases.renew(kind, held, ms).catch(() => {}), ms / 3)
  try {
    return await work(new Set(held))
  } finally {
    clearInterval(renewal)
    // A lease that cannot be given back ends by itself.
    await leases.release(kind, held).catch(() => {})
  }
}
