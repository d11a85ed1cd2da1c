/** What every list of images says beside its page: how many there are, and of which kinds. */

import { bothFilters } from '../../prisma/filter.ts'
import { aspects } from '../../prisma/lists/aspects.ts'
import type {
  AssetFilter,
  Counts,
  FacetName,
  Total,
  ValueCount,
  ValuePage,
  ValueRequest,
} from '../../prisma/types.ts'
import { BadUserInput } from '../../workers/errors.ts'
import { cleanCollection } from '../../workers/ingest/labels/collections.ts'
import { limits } from '../../workers/limits.ts'
import { builder } from '../core/builder.ts'
import { counted } from '../core/cost.ts'

/** The images of one list, counted when a field asks, and once. */
export class AssetCounts {
  readonly #counts: Counts
  readonly #where: AssetFilter | null
  #total: Promise<Total> | undefined
  #waiting: { request: ValueRequest; settle(page: Promise<ValuePage>): void }[] = []

  /** `except` is the id of an image that the list leaves out. */
  constructor(counts: Counts, where: AssetFilter | null, except?: string) {
    this.#counts = counts
    this.#where = except === undefined ? where : bothFilters(where, { not: { ids: [except] } })
  }

  total(): Promise<Total> {
    this.#total ??= this.#counts.total(this.#where)
    return this.#total
  }

  /** Facets that are asked for in one tick are counted together. */
  values(request: ValueRequest): Promise<ValuePage> {
    return new Promise((resolve) => {
      this.#waiting.push({ request, settle: resolve })
      if (this.#waiting.length === 1) process.nextTick(() => this.#send())
    })
  }

  #send(): void {
    const sent = this.#waiting
    this.#waiting = []
    const pages = this.#counts.values(
      this.#where,
      sent.map(({ request }) => request),
      this.#total,
    )
    for (const [n, { settle }] of sent.entries()) settle(pages.then((all) => all[n]!))
  }
}

export const noCounts = new AssetCounts(
  {
    total: async () => ({ count: 0, isEstimate: false }),
    values: async (_where, requests) =>
      requests.map(() => ({ values: [], hasNextPage: false, total: 0, isEstimate: false })),
  },
  null,
)

const FacetValue = builder.objectRef<ValueCount>('FacetValue').implement({
  description: 'A value that images have, and how many of them have it.',
  fields: (t) => ({
    value: t.string({
      description: 'The value, as a filter takes it; as most images write it.',
      resolve: ({ label }) => label,
    }),
    count: t.int({ description: 'How many images have it.', resolve: ({ count }) => capped(count) }),
  }),
})

interface AspectCount extends ValueCount {
  from: number
  below: number
}

const AspectFacetValue = builder.objectRef<AspectCount>('AspectFacetValue').implement({
  description: 'A usual shape, and how many images are nearest to it.',
  fields: (t) => ({
    value: t.string({ description: 'Width to height, e.g. 16:9.', resolve: ({ label }) => label }),
    count: t.int({ description: 'How many images have it.', resolve: ({ count }) => capped(count) }),
    minAspect: t.float({
      description: 'Its narrowest width / height, for where.minAspect.',
      resolve: ({ from }) => from,
    }),
    maxAspect: t.float({
      nullable: true,
      description: 'What its width / height stays below, for where.maxAspect; null for the widest shape.',
      resolve: ({ below }) => (Number.isFinite(below) ? below : null),
    }),
  }),
})

/** Of GraphQL's Int. */
export const capped = (count: number) => Math.min(count, 2 ** 31 - 1)

const valuesDescription = `How many values, those of most images first; at most ${limits.facetValues}.`

/** @throws BadUserInput */
function firstOf(given: number, facet: string): number {
  if (given >= 1 && given <= limits.facetValues) return given
  throw new BadUserInput(
    `first of ${facet} is ${given}; it goes from 1 to ${limits.facetValues}. The queries tags and collections list more, page by page.`,
    { argument: 'first', limit: limits.facetValues, given },
  )
}

const complexity = ({ first }: { first: number }) => ({
  field: 5,
  multiplier: counted(first, limits.facetValues),
})

const AssetFacets = builder.objectRef<AssetCounts>('AssetFacets').implement({
  description:
    'What the images of a list are, and how many of each kind. Each value is counted as the filter stands: tags are those of the images that are left.',
  fields: (t) => {
    const first = t.arg.int({ required: true, defaultValue: 20, description: valuesDescription })
    const values = (facet: FacetName, description: string) =>
      t.field({
        type: [FacetValue],
        nullable: true,
        description,
        args: { first },
        complexity,
        resolve: async (counts, given) =>
          (await counts.values({ facet, orderBy: 'COUNT', first: firstOf(given.first, facet) })).values,
      })
    return {
      isEstimate: t.boolean({
        nullable: true,
        description:
          'True where the counts are estimated from a sample, as for a filter that keeps more than some 10,000 images. Rare values may be missing then.',
        resolve: async (counts) =>
          (await counts.values({ facet: 'statuses', orderBy: 'COUNT', first: 1 })).isEstimate,
      }),
      tags: values('tags', 'Tags.'),
      collections: t.field({
        type: [FacetValue],
        nullable: true,
        description: 'Collections; an image counts for those above its own too, once for each.',
        args: {
          first,
          under: t.arg.string({ description: 'Only those that lie below this one.' }),
          depth: t.arg.int({
            description: 'Only so many levels: 1 is the top, or what lies directly in `under`.',
          }),
        },
        complexity,
        resolve: async (counts, given) => {
          const request = { ...placeOf(given), first: firstOf(given.first, 'collections') }
          return (await counts.values({ facet: 'collections', orderBy: 'COUNT', ...request })).values
        },
      }),
      types: values('types', 'Types of the files, e.g. image/png.'),
      orientation: values('orientation', 'LANDSCAPE, PORTRAIT, SQUARE.'),
      aspect: t.field({
        type: [AspectFacetValue],
        nullable: true,
        description: 'Usual shapes, each with those that are nearest to it.',
        args: { first },
        complexity,
        resolve: async (counts, given) => {
          const request = {
            facet: 'aspect',
            orderBy: 'COUNT',
            first: firstOf(given.first, 'aspect'),
          } as const
          const { values } = await counts.values(request)
          return values.map((value) => ({ ...value, ...aspects.find(({ name }) => name === value.key)! }))
        },
      }),
      years: values(
        'years',
        'Years in which they were taken, in UTC. Images without a date are not counted.',
      ),
      statuses: values('statuses', 'PENDING, READY, FAILED: see IndexStatus.'),
    }
  },
})

/** @throws BadUserInput */
export function placeOf({ under, depth }: { under?: string | null; depth?: number | null }) {
  if (depth != null && depth < 1)
    throw new BadUserInput(`depth is ${depth}; it counts levels, from 1.`, {
      argument: 'depth',
      given: depth,
    })
  return { under: under == null ? null : cleanCollection(under) || null, depth: depth ?? null }
}

type Connection = PothosSchemaTypes.ObjectRef<typeof builder.$inferSchemaTypes, { counts: AssetCounts }>

/** Gives a connection of images its counts. */
export function addCounts(connection: unknown, listed: string): void {
  builder.objectFields(connection as Connection, (t) => ({
    totalCount: t.int({
      nullable: true,
      description: `How many images ${listed}, on all pages: exact up to some 10,000 and for simple filters, else an estimate (totalCountIsEstimate).`,
      resolve: async ({ counts }) => capped((await counts.total()).count),
    }),
    totalCountIsEstimate: t.boolean({
      nullable: true,
      description: 'Whether totalCount is estimated from a sample.',
      resolve: async ({ counts }) => (await counts.total()).isEstimate,
    }),
    facets: t.field({
      type: AssetFacets,
      nullable: true,
      description: `What the images that ${listed} are, on all pages, and how many of each kind.`,
      resolve: ({ counts }) => counts,
    }),
  }))
}
