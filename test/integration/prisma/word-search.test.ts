// cspell:ignore umbrela umberlla umbrellla unbrella umbrel hrose linn
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStores, type Stores } from '../../../prisma/stores.ts'
import type { AssetFilter, AssetRow, WordHit, WordHits, WordPosition } from '../../../prisma/types.ts'
import { promptWords } from '../../../prisma/words/query/terms.ts'
import { WordSearch } from '../../../prisma/words/search/search.ts'
import { uniform } from '../../../workers/random.ts'
import { openTestPool } from '../../support/database.ts'

const dimensions = 16
const revision = 'words16'
const random = uniform(21)
const vocabulary = 'red green blue horse cat dog house tree star icon photo logo'.split(' ')
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
/** The first words are the most frequent. */
const word = () => vocabulary[Math.floor(vocabulary.length * random() ** 2)]!

let pool: pg.Pool
let stores: Stores
let close: () => Promise<void>
/** Scores every row with words one by one, and reads classes of all but the rarest. */
let exact: WordSearch
let classes: WordSearch
const live = new Map<string, AssetRow>()

const unit = () => {
  const vector = Float32Array.from({ length: dimensions }, () => random() - 0.5)
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

const labels = () => ({
  name: `${word()}-${word()}.${pick(['png', 'svg'])}`,
  title: random() < 0.3 ? `The ${word()} of ${word()}` : null,
  description: random() < 0.3 ? `${word()} ${word()} ${word()}` : null,
  tags: Array.from({ length: Math.floor(3 * random()) }, word),
})

async function add(count: number, fields: Partial<ReturnType<typeof labels>> & { bare?: boolean } = {}) {
  const { bare, ...given } = fields
  const added: AssetRow[] = []
  for (let n = 0; n < count; n++) {
    const { row } = await stores.assets.add({
      ...{
        contentHash: `h-${random()}`,
        collections: [],
        mimeType: 'image/png',
        bytes: 1,
        width: 10,
        height: 10,
      },
      ...labels(),
      ...given,
    })
    live.set(row.id, row)
    added.push(row)
  }
  if (bare) for (const { id } of added) await stores.vectors.fail(id, 'no vector')
  else
    await stores.vectors.put(
      revision,
      added.map(({ id }) => ({ assetId: id, vector: unit() })),
      { ready: true },
    )
  return added
}

beforeAll(async () => {
  const opened = await openTestPool()
  ;({ pool } = opened)
  stores = openStores(pool, opened.backend, 'test')
  close = async () => {
    await stores.close()
    await opened.close()
  }
  const search = stores.vectors.search.bind(stores.vectors)
  const options = { pool, search, complete: () => true }
  exact = new WordSearch({ ...options, wordRows: 1e6 })
  classes = new WordSearch({ ...options, wordRows: 25 })
  await stores.vectors.register({ revision, name: 'words', dimensions })
  await add(220)
  await add(6, { bare: true })
  await stores.words.idle()
})
afterAll(() => close?.())

interface Ask {
  texts: string[]
  where?: AssetFilter | null
  query?: Float32Array | null
  fixed?: string | null
}

async function ask(
  by: WordSearch,
  { texts, where = null, query, fixed }: Ask,
  first = 1000,
  after?: WordPosition | null,
) {
  const plan = await stores.words.plan(
    texts.map((text) => ({ words: promptWords(text), weight: 1 })),
    fixed,
  )
  const meaning = query ? { revision, dimensions, query, strength: 0.4 } : null
  return { plan: plan!, ...(await by.run({ plan: plan!, where, first, after, meaning })) }
}

const shown = ({ assetId, score }: WordHit) => `${assetId} ${score.toFixed(9)}`
const nameOf = ({ assetId }: WordHit) => live.get(assetId)!.name

const requests = (): Ask[] => {
  const texts = [
    [word()],
    [`${word()} ${word()}`],
    [`a ${word()} with ${word()} and ${word()}`],
    [`${word()} -${word()}`],
    [`"${word()} ${word()}"`],
    [`${word()} or ${word()} ${word()}`],
    [word(), word()],
    ['red green blue icon photo'],
    ['nothing'],
    ['!!!'],
  ]
  const filters: (AssetFilter | null)[] = [null, { tagsAny: ['red', 'cat'] }, { text: 'svg -star' }]
  return texts.flatMap((text) =>
    [unit(), null].map((query) => ({ texts: text, query, where: pick(filters) })),
  )
}

describe('search by words and meaning', () => {
  it('rows with words that are read by classes come in the order of those that are scored one by one', async () => {
    for (const request of requests()) {
      for (const first of [4, 40]) {
        let after: WordPosition | null = null
        for (let page = 0; page < 2; page++) {
          const all: WordHits = await ask(exact, request, first, after)
          const some: WordHits = await ask(classes, request, first, after)
          expect(all.truncated).toBe(false)
          // By words alone a class of too many is cut, and says so.
          if (request.query) expect(some.truncated, JSON.stringify(request.texts)).toBe(false)
          if (!some.truncated) expect(some.hits.map(shown)).toEqual(all.hits.map(shown))
          after = all.hits.at(-1) ?? null
          if (!all.hasNextPage) break
        }
      }
    }
  })

  it.each([
    ['by words and meaning', true],
    ['by words alone', false],
  ])('pages %s stay exact whatever is added, deleted or retagged between them', async (_, meaning) => {
    for (let round = 0; round < 4; round++) {
      const request: Ask = { ...pick(requests()), query: meaning ? unit() : null }
      const { hits: before, plan } = await ask(exact, request)
      const touched = new Set<string>()
      const pages: WordHit[] = []
      let after: WordPosition | null = null
      for (let page = 0; page < 60; page++) {
        const found: WordHits = await ask(
          exact,
          { ...request, fixed: page === 0 ? null : plan.fixed },
          7,
          after,
        )
        pages.push(...found.hits)
        if (!found.hasNextPage) break
        after = found.hits.at(-1)!
        const [fresh] = await add(1)
        touched.add(fresh!.id)
        const ids = [...live.keys()]
        const gone = pick(ids)
        touched.add(gone)
        live.delete(gone)
        await stores.assets.delete([gone])
        const changed = pick([...live.keys(), after.assetId])
        touched.add(changed)
        const row = await stores.assets.update(changed, { tags: [word(), word()], name: `${word()}.png` })
        if (row) live.set(row.id, row)
        if (page % 8 === 1) await stores.words.idle()
      }
      const untouched = (hits: readonly WordHit[]) =>
        hits.filter(({ assetId }) => !touched.has(assetId)).map(shown)
      expect(untouched(pages), JSON.stringify(request.texts)).toEqual(untouched(before))
      expect(new Set(untouched(pages)).size).toBe(untouched(pages).length)
    }
  })

  it('a name, with or without its ending or path, finds its file first', async () => {
    const [odd] = await add(1, { name: 'Summer_Campaign-v2.1 (final).PNG' })
    for (const text of [
      'Summer_Campaign-v2.1 (final).PNG',
      'summer campaign v2.1 final',
      'C:\\brand\\Summer_Campaign-v2.1 (final).png',
    ])
      for (const query of [unit(), null]) {
        const { hits } = await ask(exact, { texts: [text], query }, 3)
        expect(hits[0]).toMatchObject({ assetId: odd!.id, words: 1 })
      }
  })

  it('"-word" excludes by words, in every order', async () => {
    for (const query of [unit(), null])
      for (const by of [exact, classes]) {
        const { hits } = await ask(by, { texts: ['red -horse'], query })
        expect(hits.length).toBeGreaterThan(0)
        for (const hit of hits) {
          const { name, title, tags, description } = live.get(hit.assetId)!
          expect([name, title, description, ...tags].join(' ').toLowerCase()).not.toContain('horse')
        }
      }
  })

  it('a phrase counts only where its words follow one another', async () => {
    const [inOrder] = await add(1, { name: 'quick-zebra.png', tags: [] })
    const [apart] = await add(1, { name: 'zebra-quick.png', tags: [] })
    const { hits } = await ask(exact, { texts: ['"quick zebra"'] })
    expect(hits.map(({ assetId }) => assetId)).toEqual([inOrder!.id])
    const both = await ask(exact, { texts: ['quick zebra'] })
    expect(both.hits.map(({ assetId }) => assetId).sort()).toEqual([inOrder!.id, apart!.id].sort())
  })

  it('one slip of the hand and a half typed word are understood, a known word is taken as it stands', async () => {
    await add(3, { name: 'umbrella.png', tags: [] })
    await add(3, { name: 'lion.png', tags: [] })
    await stores.words.idle()
    for (const text of ['umbrela', 'umberlla', 'umbrellla', 'unbrella', 'umbrel', 'lino', 'linn'])
      expect((await ask(exact, { texts: [text] })).hits.map(nameOf)[0], text).toMatch(/umbrella|lion/)
    expect((await ask(exact, { texts: ['hrose'] })).hits.length).toBeGreaterThan(0)
    const { plan } = await ask(exact, { texts: ['horse umbrella'] })
    expect(plan.fixed).not.toMatch(/[/*]/)
  })

  it('the rarer word of two counts more, a name more than a description', async () => {
    await add(1, { name: 'okapi.png', title: null, tags: [], description: null })
    await add(1, { name: 'some.png', title: null, tags: [], description: 'an okapi' })
    await add(1, { name: 'some.png', title: null, tags: ['okapi', 'red'], description: null })
    await stores.words.idle()
    const names = (await ask(exact, { texts: ['red okapi '] }, 3)).hits
    expect(live.get(names[0]!.assetId)!.tags).toContain('okapi')
    expect(nameOf(names[1]!)).toBe('okapi.png')
    expect(live.get(names[2]!.assetId)!.description).toBe('an okapi')
  })

  it('words of a sentence that are in a name by accident count nothing', async () => {
    await add(1, { name: 'keep.png', title: null, tags: [], description: null })
    await stores.words.idle()
    const { hits } = await ask(exact, { texts: ['something to keep the pouring rain off my head'] })
    expect(hits).toEqual([])
  })

  it('images without a vector are found by words, beside meaning too', async () => {
    const [bare] = await add(1, { bare: true, name: 'giraffe.png' })
    for (const query of [unit(), null]) {
      const { hits } = await ask(exact, { texts: ['giraffe'], query }, 2)
      expect(hits[0]).toMatchObject({ assetId: bare!.id, product: null, words: 1 })
    }
  })
})
