/** Mistakes that the generated types find: tsc fails where one of them is none. Nothing runs them. */
import { Embed, Search } from './documents.ts'
import { execute } from './execute.ts'
import { graphql } from './gql/index.ts'

export const Model = graphql(`
  query Model {
    models { id dimensions }
  }
`)

export async function mistakes() {
  // @ts-expect-error `first` is missing.
  await execute(Search, { prompt: 'x' })
  // @ts-expect-error A concept is given in one way.
  await execute(Embed, { inputs: [{ text: 'x', base64: 'x' }] })
  const { data } = await execute(Search, { prompt: 'x', first: 1 })
  // @ts-expect-error A root field may be null.
  data?.search.edges
  // @ts-expect-error The document does not ask for it.
  data?.search?.totalCount
  const { data: embedded } = await execute(Embed, { inputs: [] })
  for (const result of embedded?.embed ?? []) {
    // @ts-expect-error Only an Embedding has it.
    result.vector
    // @ts-expect-error No such code.
    if (result.__typename === 'InputError' && result.code === 'NO_SUCH_CODE') continue
  }
}
