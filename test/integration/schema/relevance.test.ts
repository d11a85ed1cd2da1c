import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readSamples, samplesFolder } from '../../../workers/ingest/samples/read.ts'
import { modelTwin, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer({}, { prepare: (home) => modelTwin(home, 'twin', {}) })
  const { library } = server.app.services
  for (const { file, ...labels } of (await readSamples()).filter((_, n) => n % 12 === 0))
    await library.add({ bytes: await readFile(path.join(samplesFolder, file)), ...labels })
  await library.idle()
}, 120_000)
afterAll(() => server?.close())

const search = `query ($prompt: String, $prompts: [PromptInput!], $first: Int, $after: String, $min: Float, $mode: SearchMode! = HYBRID, $model: ID) {
  search(prompt: $prompt, prompts: $prompts, first: $first, after: $after, minRelevance: $min, mode: $mode, model: $model) {
    noMatch pageInfo { hasNextPage endCursor } edges { relevance band score why { words } node { id name title } }
  }
}`

const ask = async (variables: object) => {
  const { data, errors } = await server.query(search, variables)
  expect(errors).toBeUndefined()
  return data.search
}

const titles = async () => {
  const { data } = await server.query('{ assets(first: 60) { nodes { id title } } }')
  return data.assets.nodes as { id: string; title: string }[]
}

describe('relevance of search results', () => {
  it('what is called so is a strong result, and nothing fits a text that means nothing', async () => {
    for (const { id, title } of (await titles()).slice(0, 8)) {
      const { noMatch, edges } = await ask({ prompt: title, first: 10 })
      expect(noMatch, title).toBe(false)
      expect(edges.find(({ node }: any) => node.id === id).band, title).toBe('STRONG')
    }
    for (const prompt of ['qwertz zxcvb', 'quarterly tax declaration form 1040']) {
      const { noMatch, edges } = await ask({ prompt })
      expect(noMatch, prompt).toBe(true)
      expect(new Set(edges.map(({ band }: any) => band)), prompt).not.toContain('STRONG')
    }
  })

  it('relevance is a probability and grows with the score by meaning', async () => {
    const { edges } = await ask({ prompt: 'a heart', mode: 'MEANING', first: 60 })
    const values = edges.map(({ relevance }: any) => relevance)
    expect(values.every((value: number) => value >= 0 && value <= 1)).toBe(true)
    expect(values).toEqual(values.toSorted((a: number, b: number) => b - a))
  })

  it('minRelevance leaves out the rest, and its pages join without gaps', async () => {
    const prompt = 'arrow'
    const all = await ask({ prompt, first: 60 })
    const min = all.edges[4].relevance
    const wanted = all.edges.filter(({ relevance }: any) => relevance >= min)
    const found: any[] = []
    let after: string | null = null
    do {
      const page: any = await ask({ prompt, first: 3, min, after })
      found.push(...page.edges)
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
    } while (after)
    expect(found.map(({ node }) => node.id)).toEqual(
      wanted.slice(0, found.length).map(({ node }: any) => node.id),
    )
    expect(found.length).toBeGreaterThan(3)
    const one = await ask({ prompt, first: 60, min })
    expect(one.edges.map(({ node }: any) => node.id)).toEqual(wanted.map(({ node }: any) => node.id))
  })

  it('nothing is said of images as prompts, of several prompts, by words alone, or by a model without a fit', async () => {
    const { id } = (await titles())[0]!
    const silent = [
      { prompts: [{ assetId: id }] },
      { prompts: [{ text: 'heart' }, { text: 'arrow' }] },
      { prompt: 'heart', mode: 'WORDS' },
      { prompt: 'heart', model: 'twin' },
    ]
    for (const variables of silent) {
      const { noMatch, edges } = await ask(variables)
      expect(noMatch).toBeNull()
      for (const edge of edges) expect([edge.relevance, edge.band]).toEqual([null, null])
      const { errors } = await server.query(search, { ...variables, min: 0.5 })
      expect(errors![0]!.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'minRelevance' })
    }
  })

  it('minRelevance outside of 0 to 1 is refused', async () => {
    const { errors } = await server.query(search, { prompt: 'heart', min: 40 })
    expect(errors![0]!.message).toBe('minRelevance is 40; it goes from 0 to 1.')
  })

  it('noMatch belongs to the first page', async () => {
    const first = await ask({ prompt: 'heart', first: 2 })
    const second = await ask({ prompt: 'heart', first: 2, after: first.pageInfo.endCursor })
    expect([first.noMatch, second.noMatch]).toEqual([expect.any(Boolean), null])
  })
})
