import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testImages } from '../../support/images.ts'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let ids: string[]
beforeAll(async () => {
  server = await testServer()
  const images = await testImages(6)
  ids = []
  for (const [n, bytes] of images.entries())
    ids.push(
      ...(await addImages(server, [bytes], {
        name: `img ${10 - n}.png`,
        tags: n < 4 ? ['Sea', `n${n}`] : [],
        collections: n % 2 === 0 ? ['Brand/Logos'] : [],
        takenAt: n < 2 ? `202${n}-05-06T07:08:09+02:00` : null,
      })),
    )
  await server.app.services.library.idle()
})
afterAll(() => server?.close())

const ask = async (document: string, variables: object = {}) => {
  const { data, errors } = await server.query(document, variables)
  expect(errors).toBeUndefined()
  return data
}
const listed = async (args: object) =>
  (
    await ask(
      `query ($where: AssetWhere, $orderBy: AssetOrder, $first: Int, $after: String) {
        assets(where: $where, orderBy: $orderBy, first: $first, after: $after) {
          nodes { id } totalCount totalCountIsEstimate pageInfo { endCursor hasNextPage }
        } }`,
      args,
    )
  ).assets
const at = (...places: number[]) => places.map((n) => ids[n]!)
const idsOf = async (args: object) => (await listed(args)).nodes.map((node: { id: string }) => node.id)

describe('assets', () => {
  it('the list comes in the order that is asked for', async () => {
    expect(await idsOf({})).toEqual(at(5, 4, 3, 2, 1, 0))
    expect(await idsOf({ orderBy: { field: 'NAME' } })).toEqual(at(5, 4, 3, 2, 1, 0))
    expect(await idsOf({ orderBy: { field: 'ADDED', direction: 'ASC' } })).toEqual(at(0, 1, 2, 3, 4, 5))
    expect(await idsOf({ orderBy: { field: 'TAKEN' }, first: 3 })).toEqual(at(1, 0, 5))
  })

  it('a cursor belongs to its order', async () => {
    const { pageInfo } = await listed({ orderBy: { field: 'NAME' }, first: 2 })
    expect(await idsOf({ orderBy: { field: 'NAME' }, first: 2, after: pageInfo.endCursor })).toEqual(at(3, 2))
    for (const orderBy of [{ field: 'SIZE' }, { field: 'NAME', direction: 'DESC' }, null]) {
      const { message } = await server.query(
        'query ($orderBy: AssetOrder, $after: String) { assets(orderBy: $orderBy, after: $after) { nodes { id } } }',
        { orderBy, after: pageInfo.endCursor },
      )
      expect(message).toMatch(/is not a cursor of this list/)
    }
  })

  it.each([
    ['["NAME","ASC",3,"ID"]', { field: 'NAME' }],
    ['["SIZE","DESC","3","ID"]', { field: 'SIZE' }],
    ['["SIZE","DESC",3e20,"ID"]', { field: 'SIZE' }],
    ['["TAKEN","DESC","2020-13-45T00:00:00.000Z","ID"]', { field: 'TAKEN' }],
    ['["UPDATED","DESC",null,"ID"]', { field: 'UPDATED' }],
    ['["ADDED","DESC",null,"asset_\'--"]', null],
  ])('the forged cursor %s is refused', async (position, orderBy) => {
    const text = JSON.stringify(['assets', ...JSON.parse(position.replace('ID', ids[0]!))])
    const { message } = await server.query(
      'query ($orderBy: AssetOrder, $after: String) { assets(orderBy: $orderBy, after: $after) { nodes { id } } }',
      { orderBy, after: Buffer.from(text).toString('base64url') },
    )
    expect(message).toMatch(/is not a cursor of this list/)
  })

  it('filters are joined, and excluded', async () => {
    const where = {
      or: [{ tagsAny: ['N0', 'n1'] }, { and: [{ untagged: true }, { not: { inNoCollection: true } }] }],
    }
    expect(await idsOf({ where })).toEqual(at(4, 1, 0))
    expect(await listed({ where: { tagsNone: ['sea'] } })).toMatchObject({
      totalCount: 2,
      totalCountIsEstimate: false,
    })
    expect(await idsOf({ where: { takenBefore: '2021-01-01T00:00:00Z' } })).toEqual(at(0))
  })

  it.each([
    ['whereDepth', Array.from({ length: 8 }).reduce((inner: object) => ({ not: inner }), {}), /8 filters/],
    ['whereConditions', { or: Array.from({ length: 101 }, () => ({ untagged: true })) }, /100 conditions/],
    ['where.or[0].not.tagsNone', { or: [{ not: { tagsNone: ['a\0'] } }] }, /NUL/],
    ['where.and[1].tagsAll', { and: [{}, { tagsAll: Array(1001).fill('a') }] }, /1001 entries/],
  ])('a filter over its limit is refused with the name %s', async (name, where, message) => {
    const answer = await server.query('query ($where: AssetWhere) { assets(where: $where) { totalCount } }', {
      where,
    })
    expect(answer.message).toContain(name)
    expect(answer.message).toMatch(message)
    expect(answer.code).toBe('BAD_USER_INPUT')
  })

  it('a date of a caller is kept, in UTC, and can be changed', async () => {
    const asset = async (id: string) =>
      (await ask('query ($id: ID!) { asset(id: $id) { takenAt updatedAt createdAt } }', { id })).asset
    expect((await asset(ids[0]!)).takenAt).toBe('2020-05-06T05:08:09.000Z')
    const { updatedAt } = await asset(ids[2]!)
    const { updateAsset } = await ask(
      `mutation ($id: ID!) { updateAsset(input: { id: $id, takenAt: "1999-01-02T00:00:00Z" }) { asset { takenAt updatedAt } } }`,
      { id: ids[2] },
    )
    expect(updateAsset.asset.takenAt).toBe('1999-01-02T00:00:00.000Z')
    expect(updateAsset.asset.updatedAt > updatedAt).toBe(true)
    await ask(`mutation ($id: ID!) { updateAsset(input: { id: $id, takenAt: null }) { asset { id } } }`, {
      id: ids[2],
    })
    expect((await asset(ids[2]!)).takenAt).toBeNull()
  })
})

const facetFields = `totalCount totalCountIsEstimate facets {
  isEstimate
  tags(first: 2) { value count } collections { value count } types { value count } orientation { value count }
  aspect { value count minAspect maxAspect } years { value count } statuses { value count }
  top: collections(depth: 1) { value } below: collections(under: "brand") { value count }
}`

describe('facets', () => {
  it('a list, a search and similar images are counted alike, each under its filter', async () => {
    const { assets, search, asset } = await ask(
      `query ($where: AssetWhere, $id: ID!) {
        assets(where: $where, first: 1) { ${facetFields} }
        search(prompt: "a disc", where: $where, first: 1) { ${facetFields} }
        asset(id: $id) { similar(where: $where, first: 1) { ${facetFields} } }
      }`,
      { where: { tagsAny: ['sea'] }, id: ids[3] },
    )
    expect(assets).toEqual({
      totalCount: 4,
      totalCountIsEstimate: false,
      facets: {
        isEstimate: false,
        tags: [
          { value: 'Sea', count: 4 },
          { value: 'n0', count: 1 },
        ],
        collections: [
          { value: 'Brand', count: 2 },
          { value: 'Brand/Logos', count: 2 },
        ],
        types: [{ value: 'image/png', count: 4 }],
        orientation: [{ value: 'SQUARE', count: 4 }],
        aspect: [{ value: '1:1', count: 4, minAspect: 0.9, maxAspect: 1.11 }],
        years: [
          { value: '2020', count: 1 },
          { value: '2021', count: 1 },
        ],
        statuses: [{ value: 'READY', count: 4 }],
        top: [{ value: 'Brand' }],
        below: [{ value: 'Brand/Logos', count: 2 }],
      },
    })
    expect(search).toEqual(assets)
    // Without itself.
    expect(asset.similar).toMatchObject({
      totalCount: 3,
      facets: { tags: [{ value: 'Sea', count: 3 }, { count: 1 }] },
    })
  })

  it('a facet takes no more values than its limit', async () => {
    const { message } = await server.query('{ assets { facets { tags(first: 501) { value } } } }')
    expect(message).toMatch(/first of tags is 501; it goes from 1 to 500/)
  })
})

describe('tags and collections', () => {
  it('tags are listed with how many images have them, page by page', async () => {
    const page = async (args: string) =>
      (await ask(`{ tags(${args}) { nodes { name count } totalCount pageInfo { endCursor hasNextPage } } }`))
        .tags
    const first = await page('first: 2')
    expect(first).toMatchObject({
      totalCount: 5,
      nodes: [
        { name: 'Sea', count: 4 },
        { name: 'n0', count: 1 },
      ],
    })
    const second = await page(`first: 9, after: "${first.pageInfo.endCursor}"`)
    expect(second.nodes.map(({ name }: { name: string }) => name)).toEqual(['n1', 'n2', 'n3'])
    expect(second.pageInfo.hasNextPage).toBe(false)
    expect((await page('prefix: " SE"')).nodes).toEqual([{ name: 'Sea', count: 4 }])
    expect((await page('orderBy: NAME, first: 1')).nodes).toEqual([{ name: 'n0', count: 1 }])
    const { message } = await server.query(
      `{ tags(orderBy: NAME, after: "${first.pageInfo.endCursor}") { totalCount } }`,
    )
    expect(message).toMatch(/not a cursor of this list/)
  })

  it('collections are listed as a tree', async () => {
    expect(
      (await ask('{ collections(orderBy: NAME) { nodes { path name count } totalCount } }')).collections,
    ).toEqual({
      totalCount: 2,
      nodes: [
        { path: 'Brand', name: 'Brand', count: 3 },
        { path: 'Brand/Logos', name: 'Logos', count: 3 },
      ],
    })
    const below = '{ collections(under: " brand/ ", depth: 1) { nodes { path } } }'
    expect((await ask(below)).collections.nodes).toEqual([{ path: 'Brand/Logos' }])
    expect((await server.query('{ collections(depth: 0) { totalCount } }')).message).toMatch(/depth is 0/)
  })
})

describe('updateAssets', () => {
  const update = async (input: object) =>
    (
      await ask(
        `mutation ($input: UpdateAssetsInput!) { updateAssets(input: $input) {
          results { __typename ... on UpdatedAsset { changed asset { id tags collections title } } ... on InputError { index code message } }
          matched remaining endCursor userErrors { field code message }
        } }`,
        { input },
      )
    ).updateAssets

  it('images are changed by their ids, in that order, and one that cannot takes no other with it', async () => {
    const many = Array.from({ length: 199 }, (_, n) => `filler ${n}`)
    await update({ ids: at(4), tags: many })
    const { results, ...rest } = await update({
      ids: [ids[1], 'asset_none', ids[4], ids[0], ids[1]],
      addTags: ['new', 'SEA'],
      addCollections: ['Web'],
      removeCollections: ['brand'],
      title: 'T',
    })
    expect(rest).toEqual({ matched: 5, remaining: 0, endCursor: null, userErrors: [] })
    const one = {
      __typename: 'UpdatedAsset',
      changed: ['title', 'tags', 'collections'],
      asset: { id: ids[1], tags: ['Sea', 'n1', 'new'], collections: ['Web'], title: 'T' },
    }
    expect(results).toEqual([
      one,
      { __typename: 'InputError', index: 1, code: 'NOT_FOUND', message: 'There is no asset "asset_none".' },
      {
        __typename: 'InputError',
        index: 2,
        code: 'INVALID',
        message: 'There are 201 tags; at most 200 are kept.',
      },
      { ...one, asset: { ...one.asset, id: ids[0], tags: ['Sea', 'n0', 'new'] } },
      one,
    ])
    await update({ ids: at(4), tags: [] })
  })

  it('what a filter keeps is changed a part at a time, also where the change ends the match', async () => {
    const { assets } = server.app.services.database
    const labels = { title: null, description: null, tags: [], collections: ['Inbox'], mimeType: 'image/png' }
    const added: string[] = []
    for (let n = 0; n < 520; n++) {
      const { row } = await assets.add({
        ...labels,
        ...{ name: `${n}`, contentHash: `inbox-${n}`, bytes: 1, width: 1, height: 1 },
      })
      added.push(row.id)
    }
    const where = { collections: ['inbox'] }
    const first = await update({ where, addTags: ['done'], removeCollections: ['Inbox'] })
    expect(first).toMatchObject({ matched: 520, remaining: 20, userErrors: [] })
    expect(first.results).toHaveLength(500)
    expect(first.results[0]).toMatchObject({ asset: { id: added.at(-1), tags: ['done'], collections: [] } })
    const second = await update({
      where,
      addTags: ['done'],
      removeCollections: ['Inbox'],
      after: first.endCursor,
    })
    expect(second).toMatchObject({ matched: 20, remaining: 0, endCursor: null })
    expect((await listed({ where })).totalCount).toBe(0)
    expect((await listed({ where: { tagsAll: ['done'] } })).totalCount).toBe(520)
    // Nothing is written where nothing changes.
    const again = await update({ ids: at(0), addTags: ['SEA'] })
    expect(again.results[0].changed).toEqual([])
  })

  it('changes of many calls at once are all kept', async () => {
    const calls = Array.from({ length: 6 }, (_, n) => update({ ids, addTags: [`call ${n}`] }))
    await Promise.all(calls)
    const { nodes } = (
      await ask('query ($ids: [ID!]) { assets(where: { ids: $ids }) { nodes { tags } } }', { ids })
    ).assets
    for (const { tags } of nodes)
      expect(tags).toEqual(expect.arrayContaining(Array.from({ length: 6 }, (_, n) => `call ${n}`)))
  })

  it.each([
    ['both ids and where', { ids: [], where: {}, addTags: ['a'] }, /either ids or where/],
    ['neither', { addTags: ['a'] }, /either ids or where/],
    ['no change', { ids: [] }, /Nothing is to be changed/],
    ['an empty tag', { ids: [], addTags: [' '] }, /A tag is empty/],
    ['too many ids', { ids: Array(501).fill('a'), addTags: ['a'] }, /501 entries; at most 500/],
    ['a forged cursor', { where: {}, after: 'x', addTags: ['a'] }, /not a cursor/],
  ])('%s is refused as a user error', async (_name, input, message) => {
    const { results, userErrors } = await update(input)
    expect(results).toEqual([])
    expect(userErrors).toEqual([expect.objectContaining({ message: expect.stringMatching(message) })])
  })
})
