/** A graph cannot be read or rewritten; the message says what of it. */
export class GraphError extends Error {
  override readonly name = 'GraphError'
}
