/** Draws the rooms of the house and who knows whom, from the imports themselves. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { box, escapeXml, svg, type Theme } from './svg.ts'

/** What each room is for, in a line. */
const trades: Record<string, string> = {
  api: 'HTTP server, keys, CLI, metrics',
  schema: 'the GraphQL API, a file an operation',
  prisma: 'the database: rows, vectors, leases',
  'workers/ingest': 'the library: files, indexing',
  'workers/drawing': 'generators and their runs',
  'workers/guidance': 'loss, gradients, heatmaps',
  'workers/variants': 'faster files, judged',
  'workers/encode': 'texts and images to vectors',
  'workers/autodiff': 'gradients of ONNX graphs',
  'workers/registry': 'model folders, hub',
  'workers/images': 'decode, resize, SVG',
  'workers/runtime': 'queue, batches, sessions',
  'workers/onnx': 'read and write graphs',
  'workers/sources': 'bytes from outside',
  'workers/similarity': 'cosine, rank, direction',
  'workers/fs': 'durable files, locks',
}

const importPattern = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g

function roomOf(file: string): string {
  const [top, second, more] = file.split('/') as [string, string, string?]
  return top === 'workers' && more !== undefined ? `workers/${second}` : top
}

/** Rooms that each room imports from. What all know (errors, log, random at the top of workers) is left out. */
function roomGraph(root: string): Map<string, Set<string>> {
  const graph = new Map(Object.keys(trades).map((room) => [room, new Set<string>()]))
  for (const file of globSync('{api,schema,workers,prisma}/**/*.ts', { cwd: root }).sort()) {
    const room = roomOf(file)
    if (!graph.has(room)) continue
    for (const [, target] of readFileSync(path.join(root, file), 'utf8').matchAll(importPattern)) {
      const other = roomOf(path.posix.join(path.posix.dirname(file), target!))
      if (other !== room && graph.has(other)) graph.get(room)!.add(other)
    }
  }
  return graph
}

/** Arrows that no longer way implies. */
function reduced(graph: Map<string, Set<string>>): Map<string, string[]> {
  const reach = (from: string, seen = new Set<string>()): Set<string> => {
    for (const next of graph.get(from)!) if (!seen.has(next)) reach(next, seen.add(next))
    return seen
  }
  return new Map(
    [...graph].map(([room, others]) => {
      const implied = new Set([...others].flatMap((other) => [...reach(other)]))
      return [room, [...others].filter((other) => !implied.has(other)).sort()]
    }),
  )
}

/** Floor of each room: 0 for those that know nobody, else one above the highest that it knows. */
function floors(graph: Map<string, Set<string>>): Map<string, number> {
  const known = new Map<string, number>()
  const floor = (room: string): number => {
    const before = known.get(room)
    if (before !== undefined) return before
    const own = Math.max(-1, ...[...graph.get(room)!].map(floor)) + 1
    known.set(room, own)
    return own
  }
  for (const room of graph.keys()) floor(room)
  return known
}

const size = { width: 216, height: 54, gapX: 22, gapY: 46 }

export function roomsPicture(root: string): string {
  const graph = roomGraph(root)
  const floorOf = floors(graph)
  const top = Math.max(...floorOf.values())
  const rows = Array.from({ length: top + 1 }, (_, row) =>
    Object.keys(trades).filter((room) => floorOf.get(room) === top - row),
  )
  const columns = Math.max(...rows.map((row) => row.length))
  const width = columns * (size.width + size.gapX) + size.gapX
  const places = new Map<string, { x: number; y: number }>()
  for (const [r, row] of rows.entries()) {
    const whole = row.length * (size.width + size.gapX) - size.gapX
    for (const [c, room] of row.entries())
      places.set(room, {
        x: (width - whole) / 2 + c * (size.width + size.gapX),
        y: 24 + r * (size.height + size.gapY),
      })
  }
  const height = 24 + rows.length * (size.height + size.gapY) - size.gapY + 24
  const arrows = [...reduced(graph)].flatMap(([room, others]) =>
    others.map((other) => {
      const [from, to] = [places.get(room)!, places.get(other)!]
      const [x1, y1] = [from.x + size.width / 2, from.y + size.height]
      const [x2, y2] = [to.x + size.width / 2, to.y - 2]
      const middle = (y1 + y2) / 2
      return `<path class="arrow" d="M${x1} ${y1} C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}"/>`
    }),
  )
  const themes: Record<string, Theme> = { api: 'blue', schema: 'blue', prisma: 'green' }
  const boxes = [...places].map(([room, { x, y }]) =>
    box({ x, y, ...size, title: room, text: trades[room]!, theme: themes[room] ?? 'sand' }),
  )
  return svg({
    width,
    height,
    title: 'The rooms of Limn: an arrow says that one imports from another',
    body: [...arrows, ...boxes].join('\n'),
    description: escapeXml(
      [...graph]
        .map(([room, others]) => `${room} imports from ${[...others].sort().join(', ') || 'no room'}.`)
        .join(' '),
    ),
  })
}
