/** Finds the output of an encoder's graph that is the embedding. */

/** The names that exporters give to pooled outputs, the most specific first. */
const known = {
  vision: [
    'image_embeds',
    'image_embeddings',
    'image_features',
    'unnorm_image_features',
    'pooler_output',
    'embeddings',
  ],
  text: [
    'text_embeds',
    'text_embeddings',
    'text_features',
    'unnorm_text_features',
    'pooler_output',
    'sentence_embedding',
    'embeddings',
  ],
}

/** @throws Error when none of the outputs is the pooled one */
export function pooledOutput(
  outputs: readonly { name: string; rank: number | null }[],
  tower: keyof typeof known,
): string {
  const names = outputs.map(({ name }) => name)
  const named = known[tower].find((name) => names.includes(name))
  if (named) return named
  const flat = outputs.filter(({ rank }) => rank === 2)
  if (flat.length === 1) return flat[0]!.name
  throw new Error(`no pooled ${tower} output among ${names.join(', ')}`)
}
