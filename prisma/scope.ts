import { UnknownTenant } from './errors.ts'
import type { Caller, ScopedDatabase } from './types.ts'

/** The stores as one caller sees them. A database holds one tenant today, which has no name. */
export function scopeTo({ tenant }: Caller, stores: ScopedDatabase): ScopedDatabase {
  if (tenant !== null) throw new UnknownTenant(`This server has no tenant "${tenant}".`)
  const { assets, counts, vectors, runs, enrichments, census, words } = stores
  return { assets, counts, vectors, runs, enrichments, census, words }
}
