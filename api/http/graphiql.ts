import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** The query that GraphiQL opens with and that the start message proposes. */
export const exampleQuery = `# Limn: words and images in one space. Press the play button.
query FindAndRank {
  search(prompt: "a red heart", first: 5) {
    edges {
      score
      node { name tags thumbnail }
    }
  }
  rank(
    prompt: "weather"
    candidates: [{ text: "a rain cloud" }, { text: "a coffee cup" }, { text: "the sun" }]
  ) {
    items { text score probability }
  }
}
`

const pages = new Map<boolean, Promise<Buffer>>()

/**
 * GraphiQL as one gzipped page that needs nothing from elsewhere (the renderer that comes with Yoga loads it from
 * a CDN). 9 MB of script: made when first asked for, kept compressed.
 */
export function graphiqlPage(keyRequired: boolean): Promise<Buffer> {
  const page = pages.get(keyRequired) ?? render(keyRequired)
  pages.set(keyRequired, page)
  return page
}

async function render(keyRequired: boolean): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql')
  const html = renderGraphiQL({
    title: 'Limn',
    defaultQuery: exampleQuery,
    headers: JSON.stringify(keyRequired ? { 'x-api-key': '' } : {}),
    // An address that this page cannot reach would leave an error in the console of who works offline.
    favicon: 'data:,',
  })
  return promisify(gzip)(html)
}
