import type { IncomingMessage, ServerResponse } from 'node:http'
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

/** A browser opens the page; a query of one accepts JSON. */
export const wantsGraphiql = (req: IncomingMessage) =>
  req.method === 'GET' && (req.headers.accept ?? '').includes('text/html')

export async function serveGraphiql(res: ServerResponse, keyRequired: boolean): Promise<void> {
  const page = await graphiqlPage(keyRequired)
  res.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-encoding': 'gzip',
    'content-length': page.byteLength,
    // No other page may frame this one and borrow its clicks.
    'content-security-policy': "frame-ancestors 'none'",
    vary: 'accept',
  })
  res.end(page)
}

const pages = new Map<boolean, Promise<Buffer>>()

/**
 * GraphiQL as one gzipped page that needs nothing from elsewhere (the renderer that comes with Yoga loads it from
 * a CDN). 9 MB of script: rendered at the first request, kept compressed.
 */
function graphiqlPage(keyRequired: boolean): Promise<Buffer> {
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
    // The usual address would leave an error in the console of a machine without internet.
    favicon: 'data:,',
  })
  return promisify(gzip)(html)
}
