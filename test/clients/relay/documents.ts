/** More documents for checks/relay.ts: on no page. */
import { type Environment, fetchQuery, graphql } from 'relay-runtime'
import type { documentsNamedQuery } from './__generated__/documentsNamedQuery.graphql.ts'
import type { documentsPartialQuery } from './__generated__/documentsPartialQuery.graphql.ts'
import type { documentsPersistedQuery } from './__generated__/documentsPersistedQuery.graphql.ts'

export const named = (limn: Environment, id: string) =>
  fetchQuery<documentsNamedQuery>(
    limn,
    graphql`
      query documentsNamedQuery($id: ID!) {
        node(id: $id) { id ... on Asset { name tags } }
        embed(inputs: [{ text: "hot coffee" }, { base64: "AA==" }]) {
          ... on Embedding { dimensions modality }
          ... on InputError { index code }
        }
      }
    `,
    { id },
  ).toPromise()

export const partial = (limn: Environment, model: string) =>
  fetchQuery<documentsPartialQuery>(
    limn,
    graphql`
      query documentsPartialQuery($model: ID) {
        models { id isDefault }
        search(prompt: "x", model: $model) @catch { edges { node { id } } }
        direction(from: { text: "cold" }, to: { text: "warm" }) { strength }
      }
    `,
    { model },
  ).toPromise()

export const assetName = (limn: Environment, id: string) =>
  fetchQuery<documentsPersistedQuery>(
    limn,
    graphql`
      query documentsPersistedQuery($id: ID!) { asset(id: $id) { name } }
    `,
    { id },
  ).toPromise()
