// cspell:ignore walrsu
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cosine } from '../../support/cosine.ts'
import { testImage, testImages } from '../../support/images.ts'
import { addImages, decode, modelTwin, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let ids: string[]
beforeAll(async () => {
  server = await testServer({}, { prepare: (home) => modelTwin(home, 'twin', {}) })
  ids = [
    ...(await addImages(server, (await testImages(40)).slice(0, 20), {
      collections: ['even'],
      tags: ['bright shapes'],
    })),
    ...(await addImages(server, (await testImages(40)).slice(20), { collections: ['odd'] })),
  ]
})
afterAll(() => server?.close())

const search = `query ($prompt: String, $prompts: [PromptInput!], $where: AssetWhere, $first: Int, $after: String, $model: ID) {
  search(prompt: $prompt, prompts: $prompts, where: $where, first: $first, after: $after, model: $model) {
    totalCount truncated model { id } pageInfo { hasNextPage hasPreviousPage endCursor }
    edges { cursor score similarities node { id collections } }
  }
}`

describe('search', () => {
  it('search returns the best first, by the scores of the stored vectors', async () => {
    const { data } = await server.query(search, { prompt: 'a red disc', first: 100 })
    const { edges, truncated } = data.search
    expect(truncated).toBe(false)
    expect(new Set(edges.map((e: any) => e.node.id))).toEqual(new Set(ids))
    const scores = edges.map((e: any) => e.score)
    expect(scores).toEqual(scores.toSorted((a: number, b: number) => b - a))
    const { data: checked } = await server.query(
      `{ asset(id: "${edges[0].node.id}") { embedding { vector } } embed(inputs: [{ text: "a red disc" }]) { ... on Embedding { vector } } }`,
    )
    expect(edges[0].score).toBeCloseTo(
      cosine(decode(checked.asset.embedding.vector), decode(checked.embed[0].vector)),
      4,
    )
    expect(edges[0].similarities[0]).toBeCloseTo(edges[0].score, 4)
  })

  it('search weighs several prompts, images among them', async () => {
    const prompts = [
      { assetId: ids[0], weight: 3 },
      { text: 'blue', weight: -1 },
    ]
    const { data } = await server.query(search, { prompts, first: 5 })
    expect(data.search.edges[0].node.id).toBe(ids[0])
    for (const { score, similarities } of data.search.edges)
      expect(score).toBeCloseTo((3 * similarities[0] - similarities[1]) / 4, 4)
  })

  it('search filters inside the index', async () => {
    const { data } = await server.query(search, {
      prompt: 'disc',
      where: { collections: ['odd'] },
      first: 30,
    })
    expect(data.search.edges).toHaveLength(20)
    expect(data.search.totalCount).toBe(20)
    expect(new Set(data.search.edges.flatMap((e: any) => e.node.collections))).toEqual(new Set(['odd']))
    const words = await server.query(search, { prompt: 'disc', where: { text: 'bright' }, first: 30 })
    expect(words.data.search.edges).toHaveLength(20)
  })

  it('search continues after a cursor without gaps or repeats, though images were added in between', async () => {
    const first = await server.query(search, { prompt: 'a green leaf', first: 15 })
    const before = (await server.query(search, { prompt: 'a green leaf', first: 100 })).data.search.edges.map(
      (e: any) => e.node.id,
    )
    const added = await addImages(server, [
      await testImage({ disc: 'green', ground: 'yellow' }),
      await testImage({ disc: 'green', size: 200 }),
    ])
    const seen = first.data.search.edges.map((e: any) => e.node.id)
    let { pageInfo } = first.data.search
    while (pageInfo.hasNextPage) {
      const page = await server.query(search, {
        prompt: 'a green leaf',
        first: 15,
        after: pageInfo.endCursor,
      })
      seen.push(...page.data.search.edges.map((e: any) => e.node.id))
      pageInfo = page.data.search.pageInfo
      expect(pageInfo.hasPreviousPage).toBe(true)
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.filter((id: string) => !added.includes(id))).toEqual(before)
  })

  it('search refuses a cursor of another search', async () => {
    const { data } = await server.query(search, { prompt: 'one', first: 2 })
    const after = data.search.pageInfo.endCursor
    for (const other of [
      { prompt: 'two' },
      { prompt: 'one', where: { collections: ['odd'] } },
      { prompts: [{ text: 'one', weight: 2 }] },
    ])
      expect(await server.query(search, { ...other, after })).toMatchObject({
        status: 200,
        code: 'BAD_USER_INPUT',
        message: expect.stringContaining('another search'),
      })
    expect(await server.query(search, { prompt: 'one', after: 'x' })).toMatchObject({
      code: 'BAD_USER_INPUT',
    })
    expect((await server.query(search, { prompt: 'one', after })).errors).toBeUndefined()
  })

  it('no filter, an empty one and one of nulls are the same to a cursor', async () => {
    const { data } = await server.query(search, { prompt: 'one', first: 2, where: null })
    const after = data.search.pageInfo.endCursor
    for (const where of [undefined, {}, { text: null, ids: null }])
      expect((await server.query(search, { prompt: 'one', where, after })).errors).toBeUndefined()
  })

  it('search without a prompt points to assets', async () => {
    const answer = await server.query(search, { where: { collections: ['odd'] } })
    expect(answer).toMatchObject({
      status: 200,
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('assets(where'),
    })
  })

  it('search by another model works once the library is indexed for it, and is truncated until then', async () => {
    const deadline = Date.now() + 60_000
    let answer = await server.query(search, { prompt: 'a disc', model: 'twin', first: 100 })
    expect(answer.data.search.model.id).toBe('twin')
    while (answer.data.search.truncated && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      answer = await server.query(search, { prompt: 'a disc', model: 'twin', first: 100 })
    }
    expect(answer.data.search.truncated).toBe(false)
    expect(answer.data.search.edges.length).toBeGreaterThanOrEqual(40)
  })
})

describe('modes', () => {
  const byMode = `query ($prompt: String, $prompts: [PromptInput!], $mode: SearchMode!, $first: Int, $after: String) {
    search(prompt: $prompt, prompts: $prompts, mode: $mode, first: $first, after: $after) {
      totalCount truncated pageInfo { hasNextPage endCursor }
      edges { score similarities why { cosine words } node { id name } }
    }
  }`
  const names = ({ data }: any): string[] => data.search.edges.map((edge: any) => edge.node.name)
  beforeAll(async () => {
    const [first, second, third] = await testImages(60).then((images) => images.slice(57))
    await addImages(server, [first!], { name: 'walrus.png', title: 'A walrus on ice' })
    await addImages(server, [second!], { name: 'holiday.png', tags: ['walrus', 'beach'] })
    await addImages(server, [third!], { name: 'IMG_0042-final.JPG', tags: ['beach'] })
  })

  it('a search looks at words too: what is called so comes first, then what has the tag', async () => {
    const found = await server.query(byMode, { prompt: 'walrus', mode: 'HYBRID', first: 3 })
    expect(names(found).slice(0, 2)).toEqual(['walrus.png', 'holiday.png'])
    const [first, second, third] = found.data.search.edges
    expect(first.why.words).toBe(1)
    expect(second.why.words).toBeGreaterThan(0.5)
    expect(third.why.words).toBe(0)
    expect(third.score).toBeCloseTo(third.why.cosine, 6)
    expect(second.score).toBeGreaterThan(second.why.cosine)
  })

  it('by meaning alone words count nothing, by words alone vectors do not', async () => {
    const meaning = await server.query(byMode, { prompt: 'walrus', mode: 'MEANING', first: 100 })
    for (const { score, why } of meaning.data.search.edges) expect(why).toEqual({ cosine: score, words: 0 })
    const words = await server.query(byMode, { prompt: 'walrus', mode: 'WORDS', first: 100 })
    expect(names(words)).toEqual(['walrus.png', 'holiday.png'])
    expect(words.data.search.totalCount).toBe(2)
    for (const { score, similarities, why } of words.data.search.edges) {
      expect(similarities).toBeNull()
      expect(why).toEqual({ cosine: null, words: score })
    }
  })

  it('a pasted file name finds its file first, among prompts of other kinds too', async () => {
    const prompts = [{ text: 'img_0042-FINAL.jpg' }, { assetId: ids[0], weight: 0.5 }]
    expect(names(await server.query(byMode, { prompts, mode: 'HYBRID', first: 1 }))).toEqual([
      'IMG_0042-final.JPG',
    ])
  })

  it('"-word" excludes by words, and the encoder does not read it; a weight below 0 excludes nothing', async () => {
    const without = await server.query(byMode, { prompt: 'walrus -beach', mode: 'HYBRID', first: 100 })
    expect(names(without)[0]).toBe('walrus.png')
    expect(names(without)).not.toContain('holiday.png')
    expect(without.data.search.totalCount).toBe(without.data.search.edges.length)
    const plain = await server.query(byMode, { prompt: 'walrus', mode: 'HYBRID', first: 1 })
    expect(without.data.search.edges[0].why.cosine).toBeCloseTo(plain.data.search.edges[0].why.cosine, 5)
    const prompts = [{ text: 'walrus' }, { text: 'beach', weight: -0.5 }]
    const weighed = await server.query(byMode, { prompts, mode: 'HYBRID', first: 100 })
    expect(names(weighed)).toContain('holiday.png')
  })

  it.each(['HYBRID', 'WORDS'])(
    'pages of mode %s follow one another, and their cursors fit no other',
    async (mode) => {
      const all = await server.query(byMode, { prompt: 'walrus on a beach', mode, first: 100 })
      const seen: string[] = []
      for (let after: string | null = null, more = true; more; ) {
        const page: any = await server.query(byMode, { prompt: 'walrus on a beach', mode, first: 2, after })
        seen.push(...names(page))
        ;({ endCursor: after, hasNextPage: more } = page.data.search.pageInfo)
        if (!more) continue
        for (const other of [
          { prompt: 'walrus on a beach', mode: 'MEANING' },
          { prompt: 'walrus on a beach -x', mode },
        ])
          expect(await server.query(byMode, { ...other, after })).toMatchObject({
            code: 'BAD_USER_INPUT',
            message: expect.stringContaining('another search'),
          })
      }
      expect(seen).toEqual(names(all))
    },
  )

  it.each([
    ['-beach', 'HYBRID', 'prompt only excludes'],
    [' ', 'WORDS', 'is empty'],
    ['x'.repeat(10_001), 'WORDS', 'at most 10000'],
  ])('the prompt "%.9s" in mode %s is refused', async (prompt, mode, message) => {
    expect(await server.query(byMode, { prompt, mode })).toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining(message),
    })
  })

  it('where the library lacks a word, texts to look for instead are near it in spelling and in meaning', async () => {
    const suggestions = async (prompt: string, mode = 'HYBRID') => {
      const query =
        'query ($prompt: String, $mode: SearchMode!) { search(prompt: $prompt, mode: $mode, first: 1) { suggestions } }'
      return (await server.query(query, { prompt, mode })).data.search.suggestions
    }
    await server.app.services.database.words.idle()
    expect((await suggestions('a walrsu'))[0]).toBe('a walrus')
    expect(['beach', 'holiday']).toContain((await suggestions('seaside', 'WORDS'))[0])
    expect(await suggestions('walrus')).toEqual([])
    expect(await suggestions('walrsu', 'MEANING')).toEqual([])
  })

  it('mode WORDS takes texts only', async () => {
    for (const prompts of [[{ text: 'a' }, { assetId: ids[0] }], [{ text: 'a', weight: -1 }]])
      expect(await server.query(byMode, { prompts, mode: 'WORDS' })).toMatchObject({
        code: 'BAD_USER_INPUT',
        message: expect.stringContaining('mode WORDS'),
      })
  })
})

describe('similar', () => {
  it('similar finds the nearest images without the image itself', async () => {
    const { data } = await server.query(
      `{ asset(id: "${ids[3]}") { similar(first: 5) { truncated edges { score node { id } } } } }`,
    )
    const { edges } = data.asset.similar
    expect(edges).toHaveLength(5)
    expect(edges.map((e: any) => e.node.id)).not.toContain(ids[3])
  })

  it('similar continues after a cursor, and counts the other images', async () => {
    const page = async (after: string | null) => {
      const { data } = await server.query(
        'query ($id: ID!, $after: String) { asset(id: $id) { similar(first: 15, after: $after) { totalCount nodes { id } pageInfo { endCursor hasNextPage } } } }',
        { id: ids[3], after },
      )
      return data.asset.similar
    }
    const seen: string[] = []
    for (let after: string | null = null, more = true; more; ) {
      const { totalCount, nodes, pageInfo } = await page(after)
      seen.push(...nodes.map(({ id }: { id: string }) => id))
      ;({ endCursor: after, hasNextPage: more } = pageInfo)
      expect(seen.length).toBeLessThanOrEqual(totalCount)
      if (!more) expect(seen).toHaveLength(totalCount)
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).not.toContain(ids[3])
  })

  it('similar that fails takes no other field with it', async () => {
    const { status, data, errors } = await server.query(
      `{ asset(id: "${ids[3]}") { name similar(first: 1000) { nodes { id } } } }`,
    )
    expect({ status, asset: data.asset }).toEqual({
      status: 200,
      asset: { name: expect.any(String), similar: null },
    })
    expect(errors![0]!.path).toEqual(['asset', 'similar'])
  })
})
