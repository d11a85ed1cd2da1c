import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addImages, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
/** By name. */
const ids: Record<string, string> = {}

const drawing = (inner: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100">${inner}</svg>`)
const paper = '<rect width="100%" height="100%" fill="#fff"/>'
const images = {
  // A quarter of what is drawn is orange.
  'blue and orange': drawing(
    `${paper}<rect x="10" y="10" width="60" height="60" fill="#0a84ff"/><rect x="70" y="10" width="20" height="60" fill="#ff9f0a"/>`,
  ),
  blue: drawing('<circle cx="50" cy="50" r="40" fill="#0a84ff"/>'),
  'nearly blue': drawing('<circle cx="50" cy="50" r="40" fill="#1f8bf5"/>'),
  green: drawing('<rect width="100%" height="100%" fill="#30d158"/>'),
  blank: drawing(paper),
}
const names = Object.keys(images)

beforeAll(async () => {
  server = await testServer()
  const added = await addImages(server, Object.values(images))
  for (const [n, id] of added.entries()) ids[names[n]!] = id
})
afterAll(() => server?.close())

const nameOf = (id: string) => names.find((name) => ids[name] === id)!

async function found(where: object): Promise<string[]> {
  const { data, message } = await server.query(
    'query ($where: AssetWhere) { assets(where: $where) { nodes { id } totalCount } }',
    { where },
  )
  if (message) throw new Error(message)
  expect(data.assets.totalCount).toBe(data.assets.nodes.length)
  return data.assets.nodes.map(({ id }: { id: string }) => nameOf(id)).sort()
}

async function asset(name: string, fields: string) {
  const { data, message } = await server.query(`query ($id: ID!) { asset(id: $id) { ${fields} } }`, {
    id: ids[name],
  })
  if (message) throw new Error(message)
  return data.asset
}

describe('colours of an image', () => {
  it('an image tells its colours by area, and its ground apart', async () => {
    const { palette, ground } = await asset(
      'blue and orange',
      'palette { hex share family } ground { kind share }',
    )
    expect(palette).toEqual([
      { hex: '#0a84ff', share: expect.closeTo(0.75, 2), family: 'BLUE' },
      { hex: '#ff9f0a', share: expect.closeTo(0.25, 2), family: 'ORANGE' },
    ])
    expect(ground).toEqual({ kind: 'WHITE', share: expect.closeTo(1 - 0.48, 2) })
  })

  it('an image that is blank has no colours, and one without a ground none of those', async () => {
    expect(await asset('blank', 'palette { hex } ground { kind share }')).toEqual({
      palette: [],
      ground: { kind: 'WHITE', share: 1 },
    })
    expect(await asset('green', 'palette { hex } ground { kind }')).toEqual({
      palette: [{ hex: '#30d158' }],
      ground: null,
    })
  })

  it('an image tells how much of it is made of a palette', async () => {
    const share = async (name: string, args: string) =>
      (await asset(name, `paletteShare(${args})`)).paletteShare
    expect(await share('blue and orange', 'colours: ["#0a84ff"]')).toBeCloseTo(0.75, 2)
    expect(await share('blue and orange', 'colours: ["0A84FF", "#ff9f0a", "#ff9f0a"]')).toBeCloseTo(1, 6)
    expect(await share('nearly blue', 'colours: ["#0a84ff"]')).toBeCloseTo(1, 6)
    expect(await share('nearly blue', 'colours: ["#0a84ff"], tolerance: 1')).toBe(0)
    expect(await share('blank', 'colours: ["#fff"]')).toBe(0)
  })

  it('the server tells how far it is with the colours', async () => {
    const { data } = await server.query('{ server { indexing { name done failed total } } }')
    expect(data.server.indexing).toContainEqual({
      name: 'colours',
      ...{ done: names.length, failed: 0, total: names.length },
    })
  })

  it('an image whose colours are not known yet has none to tell', async () => {
    const { library, database } = server.app.services
    const { asset } = await library.add({ bytes: images.blue.subarray(0), name: 'again' })
    const { rows } = await database.assets.page({ first: 1, where: { ids: [asset.id] } })
    expect(rows).toHaveLength(1)
    await database.enrichments.prune('colours', 'none of them')
    const answer = await server.query(
      'query ($id: ID!) { asset(id: $id) { palette { hex } ground { kind } paletteShare(colours: ["#000"]) } }',
      { id: asset.id },
    )
    expect(answer.data.asset).toEqual({ palette: null, ground: null, paletteShare: null })
  })
})

describe('filters by colour', () => {
  it('a filter keeps images that show a colour within the tolerance', async () => {
    expect(await found({ colours: [{ hex: '#0a84ff' }] })).toEqual(['blue', 'blue and orange', 'nearly blue'])
    expect(await found({ colours: [{ hex: '#0a84ff', tolerance: 1 }] })).toEqual(['blue', 'blue and orange'])
    expect(await found({ colours: [{ hex: '#0a84ff', tolerance: 50 }] })).toEqual([
      'blue',
      'blue and orange',
      'green',
      'nearly blue',
    ])
    expect(await found({ colours: [{ hex: '#ff0000', tolerance: 5 }] })).toEqual([])
  })

  it('a filter asks for a share of what is drawn', async () => {
    const shows = (minShare: number) => found({ colours: [{ hex: '#ff9f0a', minShare }] })
    expect(await shows(0.2)).toEqual(['blue and orange'])
    expect(await shows(0.3)).toEqual([])
    expect(await shows(0)).toEqual(['blue and orange'])
  })

  it('a filter by several colours asks for all of them', async () => {
    expect(await found({ colours: [{ hex: '#0a84ff' }, { hex: '#ff9f0a' }] })).toEqual(['blue and orange'])
  })

  it('a filter keeps images that are made of a palette', async () => {
    expect(await found({ madeOf: { colours: ['#0a84ff'] } })).toEqual(['blue', 'nearly blue'])
    expect(await found({ madeOf: { colours: ['#0a84ff', '#ff9f0a', '#30d158'] } })).toEqual([
      'blue',
      'blue and orange',
      'green',
      'nearly blue',
    ])
    expect(await found({ madeOf: { colours: ['#0a84ff'], minShare: 0.7 } })).toEqual([
      'blue',
      'blue and orange',
      'nearly blue',
    ])
  })

  it('a filter keeps images by the name of a colour', async () => {
    expect(await found({ colourFamilies: ['ORANGE', 'GREEN'] })).toEqual(['blue and orange', 'green'])
    expect(await found({ colourFamilies: ['WHITE'] })).toEqual([])
  })

  it('a filter by colour holds inside a search', async () => {
    const { data } = await server.query(
      '{ search(prompt: "a circle", where: { colours: [{ hex: "#30d158" }] }) { nodes { id } } }',
    )
    expect(data.search.nodes).toEqual([{ id: ids.green }])
  })

  it.each<[string, object]>([
    ['where.colours[0].hex is "red"', { colours: [{ hex: 'red' }] }],
    ['where.colours[1].tolerance is 0', { colours: [{ hex: '#fff' }, { hex: '#fff', tolerance: 0 }] }],
    ['where.colours[0].tolerance is 51', { colours: [{ hex: '#fff', tolerance: 51 }] }],
    ['where.colours[0].minShare is 1.5', { colours: [{ hex: '#fff', minShare: 1.5 }] }],
    ['where.madeOf.colours is empty', { madeOf: { colours: [] } }],
    ['where.madeOf.colours[0] is "#12"', { madeOf: { colours: ['#12'] } }],
    ['where.colours has 17 entries', { colours: Array.from({ length: 17 }, () => ({ hex: '#fff' })) }],
  ])('a filter is refused where %s', async (message, where) => {
    await expect(found(where)).rejects.toThrow(message)
  })
})
