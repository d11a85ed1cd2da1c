import type { Leases } from '../../prisma/types.ts'

export interface LeaseOptions {
  leases: Leases
  kind: string
  /** How long a lease lasts after its server died. A living one renews it three times as often. */
  ms: number
}

/** Claims what no other server holds of `ids`, and holds it while `work` goes on. */
export async function withLeases<T>(
  ids: readonly string[],
  { leases, kind, ms }: LeaseOptions,
  work: (held: ReadonlySet<string>) => Promise<T>,
): Promise<T> {
  const held = await leases.claim(kind, ids, ms)
  // A renewal that fails is no failure of the work: should the lease end early, something is done twice.
  const renewal = setInterval(() => leases.renew(kind, held, ms).catch(() => {}), ms / 3)
  try {
    return await work(new Set(held))
  } finally {
    clearInterval(renewal)
    // A lease that cannot be given back ends by itself.
    await leases.release(kind, held).catch(() => {})
  }
}
