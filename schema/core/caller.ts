import { RequestError } from '../../workers/errors.ts'
import type { QueueUser } from '../../workers/runtime/occupancy.ts'

/** What a caller may do: read the library and models, add to it, change and delete, see figures of the whole server. */
export const scopes = ['read', 'insert', 'edit', 'admin'] as const
export type Scope = (typeof scopes)[number]

/** Who sends a request. `share`: the fraction of each queue that this caller's work may fill. */
export interface Caller extends QueueUser {
  /** Of the key, or `local`: callers of one key are one caller. */
  id: string
  scopes: readonly Scope[]
  /** Whose assets and runs the caller sees; null: all. */
  tenant: string | null
}

/** The caller is known, but may not do this: a missing scope, a foreign Host, a missing CSRF header. */
export class Forbidden extends RequestError {
  override readonly name = 'Forbidden'
  constructor(message: string) {
    super('FORBIDDEN', message)
  }
}

/** @throws Forbidden */
export function requireScope({ caller }: { caller: Caller }, scope: Scope): void {
  if (caller.scopes.includes(scope)) return
  throw new Forbidden(
    `This needs the scope "${scope}"; the key has ${caller.scopes.map((one) => `"${one}"`).join(', ') || 'none'}. Use a key that has it.`,
  )
}
