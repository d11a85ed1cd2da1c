import type { Scope } from './caller.ts'

/**
 * Description of a root field, or of one below that encodes or searches: what it does, an example that a test holds
 * against the schema, and the scope that it needs. The scope is also in its extensions: enforce-scopes.ts refuses callers
 * by it, `server { operations }` and a test read it.
 * @param example its lines may be indented as the code around them is
 */
export function operation(scope: Scope, description: string, example?: string) {
  const parts = [
    description,
    ...(example === undefined ? [] : [`\`\`\`graphql\n${unindented(example)}\n\`\`\``]),
    `Needs the scope \`${scope}\`.`,
  ]
  return { description: parts.join('\n\n'), extensions: { scope } }
}

/** Takes the last line's indentation from every line. */
function unindented(text: string): string {
  const [indentation] = /\n *(?=\S[^\n]*$)/.exec(text) ?? ['\n']
  return text.replaceAll(indentation, '\n')
}
