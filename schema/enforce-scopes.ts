import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  isObjectType,
} from 'graphql'
import { requireScope, type Scope } from './core/caller.ts'
import type { Context } from './core/context.ts'

/** The scope that a field needs, as operation.ts put it down. */
export const scopeOf = ({ extensions }: Pick<GraphQLField<unknown, unknown>, 'extensions'>) =>
  extensions.scope as Scope | undefined

/**
 * Lets no caller into a field without its scope, whatever the resolver does: what the descriptions say is what holds.
 * @throws Error for a root field that states none
 */
export function enforceScopes(schema: GraphQLSchema): GraphQLSchema {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const scope = scopeOf(field)
      if (scope) guard(field, scope)
      else if (roots.includes(type)) throw new Error(`${type.name}.${field.name} states no scope.`)
    }
  }
  return schema
}

type Resolver = GraphQLFieldResolver<unknown, Context>

function guard(field: GraphQLField<unknown, Context>, scope: Scope): void {
  const guarded =
    (resolve: Resolver): Resolver =>
    (source, args, context, info) => {
      requireScope(context, scope)
      return resolve(source, args, context, info)
    }
  field.resolve = guarded(field.resolve ?? defaultFieldResolver)
  if (field.subscribe) field.subscribe = guarded(field.subscribe)
}
