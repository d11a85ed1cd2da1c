import { graphql } from './gql/index.ts'

export const Search = graphql(`
  query Search($prompt: String!, $first: Int!, $after: String) {
    search(prompt: $prompt, first: $first, after: $after) {
      edges { score node { id name thumbnail } }
      pageInfo { endCursor hasNextPage }
    }
  }
`)

export const Embed = graphql(`
  query Embed($inputs: [ConceptInput!]!) {
    embed(inputs: $inputs) {
      __typename
      ... on Embedding { dimensions vector }
      ... on InputError { index code message }
    }
  }
`)
