/** Draws an image's way through the server, from upload to vector. */
import { box, escapeXml, svg, type Theme } from './svg.ts'

/** The stations in order; `file` is where each happens, and a test looks that it exists. */
export const stations: { title: string; file: string; theme: Theme }[] = [
  { title: 'request: size, origin, key', file: 'api/http/router.ts', theme: 'blue' },
  { title: 'form, cost, deadline', file: 'api/http/graphql.ts', theme: 'blue' },
  { title: 'embed: one concept per input', file: 'schema/embed.ts', theme: 'blue' },
  { title: 'one load for the request', file: 'schema/core/loaders.ts', theme: 'blue' },
  { title: 'stored vector, or bytes', file: 'schema/core/resolve-concepts.ts', theme: 'blue' },
  { title: 'admission, cache, coalescing', file: 'workers/encode/local-encoder.ts', theme: 'sand' },
  { title: 'decode in a thread, ahead', file: 'workers/images/pool/decode-pool.ts', theme: 'sand' },
  { title: "reference's pixels", file: 'workers/images/preprocess.ts', theme: 'sand' },
  { title: 'queue: two priorities, ageing', file: 'workers/runtime/queue.ts', theme: 'sand' },
  { title: 'batch while the session is busy', file: 'workers/runtime/batcher.ts', theme: 'sand' },
  { title: 'ONNX session in a thread', file: 'workers/encode/encoder-session.ts', theme: 'sand' },
  { title: 'L2-normalised vector', file: 'workers/encode/collate.ts', theme: 'sand' },
]

const size = { width: 272, height: 52, gapX: 34, gapY: 40 }
const columns = 4

export function imageWay(): string {
  const width = columns * (size.width + size.gapX) + size.gapX
  const rows = Math.ceil(stations.length / columns)
  const height = rows * (size.height + size.gapY) + size.gapY
  /** Left to right, then right to left: the way never jumps. */
  const placeOf = (n: number) => {
    const row = Math.floor(n / columns)
    const column = row % 2 ? columns - 1 - (n % columns) : n % columns
    return {
      x: size.gapX + column * (size.width + size.gapX),
      y: size.gapY + row * (size.height + size.gapY),
    }
  }
  const boxes = stations.map(({ title, file, theme }, n) =>
    box({ ...placeOf(n), ...size, title: `${n + 1}  ${title}`, text: file, theme }),
  )
  const arrows = stations.slice(1).map((_, n) => {
    const [from, to] = [placeOf(n), placeOf(n + 1)]
    if (from.y !== to.y)
      return `<path class="arrow" d="M${from.x + size.width / 2} ${from.y + size.height} V${to.y - 2}"/>`
    const y = from.y + size.height / 2
    const [x1, x2] = from.x < to.x ? [from.x + size.width, to.x - 2] : [from.x, to.x + size.width + 2]
    return `<path class="arrow" d="M${x1} ${y} H${x2}"/>`
  })
  return svg({
    width,
    height,
    title: "An image's way from upload to vector",
    description: escapeXml(stations.map(({ title, file }) => `${title} (${file})`).join(', then ')),
    body: [...arrows, ...boxes].join('\n'),
  })
}
