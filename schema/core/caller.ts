import { RequestError } from '../../workers/errors.ts'
import type { QueueUser } from '../../workers/runtime/occupancy.ts'

/**
 * What a caller may do: read the library and models, add to it, change and delete, rule the server. A key of one scope
 * has those before it.
 */
export const scopes = ['read', 'insert', 'edit', 'admin'] as const
export type Scope = (typeof scopes)[number]

/** A scope with those that it includes. */
export const scopesUpTo = (scope: Scope): readonly Scope[] => scopes.slice(0, scopes.indexOf(scope) + 1)

/** Who sends a request. `share`: the fraction of each queue that this caller's work may fill. */
export interface Caller extends QueueUser {
  /** Of the key, or `local`: callers of one key are one caller. */
  id: string
  scopes: readonly Scope[]
  /** Whose assets and runs the caller sees; null: all. */
  tenant: string | null
  /** The collection outside of which the caller sees and adds nothing; null: the whole library. */
  collection: string | null
}

/** The caller is known, but may not do this: a missing scope, a foreign Host, a missing CSRF header. */
export class Forbidden extends RequestError {
  override readonly name = 'Forbidden'
  constructor(message: string) {
    super('FORBIDDEN', message)
  }
}

export const hasScope = ({ caller }: { caller: Pick<Caller, 'scopes'> }, scope: Scope): boolean =>
  caller.scopes.includes(scope)

/** @throws Forbidden */
export function requireScope(context: { caller: Pick<Caller, 'scopes'> }, scope: Scope): void {
  if (hasScope(context, scope)) return
  const { scopes: own } = context.caller
  throw new Forbidden(
    `This needs the scope "${scope}"; the key has ${own.map((one) => `"${one}"`).join(', ') || 'none'}. Use a key that has it.`,
  )
}
