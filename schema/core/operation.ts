import type { Scope } from './caller.ts'

/**
 * Description of a root field: what it does, an example that a test holds against the schema, and the scope that it
 * needs. The scope is also in its extensions, from which `server { operations }` and a test read it.
 */
export function operation(scope: Scope, description: string, example?: string) {
  const parts = [
    description,
    ...(example === undefined ? [] : [`\`\`\`graphql\n${example}\n\`\`\``]),
    `Needs the scope \`${scope}\`.`,
  ]
  return { description: parts.join('\n\n'), extensions: { scope } }
}
