/** Draws the rooms of the house and who knows whom, from the imports themselves. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { box, escapeXml, svg, type Theme } from './svg.ts'

/** What each room is for, in a line, and the column that it is drawn in. */
const rooms: Record<string, { trade: string; column: number }> = {
  api: { trade: 'HTTP server, keys, CLI', column: 2 },
  schema: { trade: 'the GraphQL API', column: 2 },
  prisma: { trade: 'rows, vectors, leases', column: 0 },
  'workers/ingest': { trade: 'the library: files, indexing', column: 0 },
  'workers/drawing': { trade: 'generators and their runs', column: 4 },
  'workers/guidance': { trade: 'loss, gradients, heatmaps', column: 4 },
  'workers/variants': { trade: 'faster files, judged', column: 3 },
  'workers/relevance': { trade: 'what a score is worth', column: 1 },
  'workers/encode': { trade: 'texts and images to vectors', column: 2 },
  'workers/autodiff': { trade: 'gradients of ONNX graphs', column: 4 },
  'workers/registry': { trade: 'model folders, hub', column: 2 },
  'workers/colour': { trade: 'palettes, OKLab', column: 0 },
  'workers/images': { trade: 'decode, resize, SVG', column: 2 },
  'workers/runtime': { trade: 'queue, batches, sessions', column: 2 },
  'workers/onnx': { trade: 'read and write graphs', column: 3 },
  'workers/sources': { trade: 'bytes from outside', column: 6 },
  'workers/similarity': { trade: 'cosine, rank, direction', column: 5 },
  'workers/fs': { trade: 'durable files, locks', column: 1 },
}

/** Files of types alone, in which a room states what it needs of another: knowing them is not knowing the room. */
const statements = new Set(['workers/drawing/runs/run-store.ts'])

const importPattern = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g

function roomOf(file: string): string {
  const [top, second, more] = file.split('/') as [string, string, string?]
  return top === 'workers' && more !== undefined ? `workers/${second}` : top
}

/** Rooms that each room imports from. What all know (errors, log, random at the top of workers) is left out. */
function roomGraph(root: string): Map<string, Set<string>> {
  const graph = new Map(Object.keys(rooms).map((room) => [room, new Set<string>()]))
  for (const file of globSync('{api,schema,workers,prisma}/**/*.ts', { cwd: root }).sort()) {
    const room = roomOf(file)
    if (!graph.has(room)) continue
    for (const [, target] of readFileSync(path.join(root, file), 'utf8').matchAll(importPattern)) {
      const imported = path.posix.join(path.posix.dirname(file), target!)
      const other = roomOf(imported)
      if (other !== room && graph.has(other) && !statements.has(imported)) graph.get(room)!.add(other)
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

const size = { width: 178, height: 54, gapX: 20, gapY: 46 }

export function roomsPicture(root: string): string {
  const graph = roomGraph(root)
  const floorOf = floors(graph)
  const top = Math.max(...floorOf.values())
  const placeOf = (room: string) => ({
    x: size.gapX + rooms[room]!.column * (size.width + size.gapX),
    y: 24 + (top - floorOf.get(room)!) * (size.height + size.gapY),
  })
  const columns = Math.max(...Object.values(rooms).map(({ column }) => column)) + 1
  const arrows = [...reduced(graph)].flatMap(([room, others]) =>
    others.map((other) => arrow(placeOf(room), placeOf(other), floorOf.get(room)! - floorOf.get(other)!)),
  )
  const themes: Record<string, Theme> = { api: 'blue', schema: 'blue', prisma: 'green' }
  const boxes = Object.entries(rooms).map(([room, { trade }]) =>
    box({ ...placeOf(room), ...size, title: room, text: trade, theme: themes[room] ?? 'sand' }),
  )
  const known = [...graph].map(
    ([room, others]) => `${room} imports from ${[...others].sort().join(', ') || 'no room'}.`,
  )
  return svg({
    width: columns * (size.width + size.gapX) + size.gapX,
    height: (top + 1) * (size.height + size.gapY) - size.gapY + 48,
    title: 'The rooms of Limn: an arrow says that one imports from another',
    body: [...arrows, ...boxes].join('\n'),
    description: escapeXml(known.join(' ')),
  })
}

interface Place {
  x: number
  y: number
}

/** To the next floor: from below the box. Further down: out of the box's side and then straight down. */
function arrow(from: Place, to: Place, floorsDown: number): string {
  const x2 = to.x + size.width / 2
  const y2 = to.y - 2
  if (from.x === to.x || floorsDown === 1) {
    const [x1, y1] = [from.x + size.width / 2, from.y + size.height]
    const middle = (y1 + y2) / 2
    return `<path class="arrow" d="M${x1} ${y1} C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}"/>`
  }
  const x1 = to.x > from.x ? from.x + size.width : from.x
  const bend = to.x > from.x ? -12 : 12
  const y1 = from.y + size.height / 2
  return `<path class="arrow" d="M${x1} ${y1} H${x2 + bend} Q${x2} ${y1} ${x2} ${y1 + 12} V${y2}"/>`
}
