import { afterAll, beforeAll, expect, it } from 'vitest'
import { looksLikePhotograph } from '../../../prisma/census/photographs.ts'
import { openTestDatabase } from '../../support/database.ts'

let place: Awaited<ReturnType<typeof openTestDatabase>>
beforeAll(async () => {
  place = await openTestDatabase()
})
afterAll(() => place.close())

const types = ['jpeg', 'png', 'webp', 'avif', 'heic', 'tiff', 'gif', 'svg+xml']
const files = types.flatMap((type) =>
  [80, 400, 2000].flatMap((edge) =>
    [0.05, 0.3, 0.6, 2, 7, 14].map((bits) => ({
      ...{ mimeType: `image/${type}`, width: edge, height: (edge * 3) / 4 },
      bytes: Math.round((bits * edge * edge * 3) / 4 / 8),
    })),
  ),
)

it('the database counts the images that look like photographs by the rule that TypeScript has', async () => {
  const wanted = files.filter(looksLikePhotograph).length
  expect(wanted).toBeGreaterThan(20)
  for (const [n, file] of files.entries())
    await place.db.assets.add({
      ...{
        contentHash: String(n),
        name: String(n),
        title: null,
        description: null,
        tags: [],
        collections: [],
      },
      ...file,
    })
  expect(await place.db.census.photographs()).toEqual({ photographs: wanted, total: files.length })
})

it.each([
  ['a JPEG of a camera', 'jpeg', 4000, 3_000_000, true],
  ['a JPEG of a web page', 'jpeg', 600, 60_000, true],
  ['a drawing as JPEG', 'jpeg', 1000, 20_000, false],
  ['a photograph as PNG', 'png', 800, 800_000, true],
  ['a screenshot as PNG', 'png', 1600, 400_000, false],
  ['an icon of few pixels, kept without loss', 'webp', 256, 6_000, false],
  ['an SVG', 'svg+xml', 512, 200_000, false],
])('%s', (_what, type, edge, bytes, wanted) => {
  expect(looksLikePhotograph({ mimeType: `image/${type}`, width: edge, height: (edge * 3) / 4, bytes })).toBe(
    wanted,
  )
})
