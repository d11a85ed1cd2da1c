/** The colours of an image by the area that they cover. */

import type { RgbaImage } from '../images/display.ts'
import { type Cluster, cellOf, clustersOf, Merging, nearestOf } from './clusters.ts'
import { ColourCounts } from './counts.ts'
import { type Edges, findEdges, minOpacity } from './edges.ts'
import { findGround, type Ground } from './ground.ts'
import { fromLab, hexOf, toLab } from './oklab.ts'
import { thinMixtures } from './thin.ts'

export interface PaletteColour {
  /** #rrggbb */
  hex: string
  /** Of what is drawn, the ground left out; the shares of a palette add up to 1. */
  share: number
}

export interface Palette {
  ground: Ground | null
  /** The largest share first; at most {@link maxColours}. Empty where the image is all ground. */
  colours: PaletteColour[]
}

export const maxColours = 8
/** Longest edge of the pixels that are counted: a fill of two hundredths has a thousand of them. */
export const paletteEdge = 256

/** Neighbouring pixels of a gradient differ by this many 8-bit steps at most. */
const gradientSteps = 12
/** Parts of a gradient touch along this part of their edge at least, taken as the root of the smaller one's area. */
const gradientContact = 0.3
/** Smaller clusters, as a share of what is drawn, count with the likest larger one. */
const dust = 0.004

/**
 * Fills come out as they are, antialiased edges count with the colours that they lie between, and a gradient gives a few
 * colours. The same pixels always give the same palette.
 */
export function paletteOf(image: RgbaImage): Palette {
  const { ground, mask } = findGround(image)
  const edges = findEdges(image)
  const { mixed } = edges
  const first = labelled(image, mask, mixed)
  // Clusters of nothing but mixtures are looked for once: those of a hairline, which nowhere has its own colour alone.
  const thin = thinMixtures(image, mask, first)
  const { clusters, labels } = thin.size > 0 ? withoutThin(image, mask, mixed, first.labels, thin) : first
  const merging = new Merging(clusters)
  merging.joinGradients(touching(image, labels, clusters))
  const drawn = clusters.reduce((sum, { weight }) => sum + weight, 0)
  merging.sweep(dust * drawn)
  merging.joinTo(maxColours)
  const left = merging.left
  const place = new Map(left.map((i, n) => [i, n]))
  const final = clusters.map((_, i) => place.get(merging.placeOf(i))!)
  const found = left.map((i) => merging.clusters[i]!)
  return weighed(image, { ground, mask, edges, labels, final, found })
}

function withoutThin(
  image: RgbaImage,
  mask: Uint8Array,
  mixed: Uint8Array,
  labels: Int16Array,
  thin: ReadonlySet<number>,
): Labelled {
  for (let p = 0; p < mixed.length; p++) if (thin.has(labels[p]!)) mixed[p] = 1
  return labelled(image, mask, mixed)
}

interface Labelled {
  clusters: Cluster[]
  /** The cluster of each pixel; -1 for the ground and for mixtures. */
  labels: Int16Array
}

function labelled({ data, width, height }: RgbaImage, mask: Uint8Array, mixed: Uint8Array): Labelled {
  const pixels = width * height
  const isOwn = (p: number) => !mask[p] && !mixed[p] && data[p * 4 + 3]! >= minOpacity
  const at = (p: number) => (data[p * 4]! << 16) | (data[p * 4 + 1]! << 8) | data[p * 4 + 2]!
  const counts = new ColourCounts(pixels)
  for (let p = 0; p < pixels; p++) if (isOwn(p)) counts.add(at(p), data[p * 4 + 3]! / 255)
  const { clusters, ofCell } = clustersOf(counts.list())
  const labels = new Int16Array(pixels).fill(-1)
  for (let p = 0; p < pixels; p++) if (isOwn(p)) labels[p] = ofCell[cellOf(at(p))]!
  return { clusters, labels }
}

/** Pairs of clusters that run into each other without an edge between them. */
function touching({ data, width, height }: RgbaImage, labels: Int16Array, clusters: readonly Cluster[]) {
  const contacts = new Map<number, number>()
  const count = clusters.length
  const look = (p: number, q: number) => {
    const one = labels[p]!
    const other = labels[q]!
    if (one < 0 || other < 0 || one === other) return
    const [i, j] = [p * 4, q * 4]
    const dr = data[i]! - data[j]!
    const dg = data[i + 1]! - data[j + 1]!
    const db = data[i + 2]! - data[j + 2]!
    if (dr * dr + dg * dg + db * db > gradientSteps * gradientSteps) return
    const key = one < other ? one * count + other : other * count + one
    contacts.set(key, (contacts.get(key) ?? 0) + 1)
  }
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p++) {
      if (x + 1 < width) look(p, p + 1)
      if (y + 1 < height) look(p, p + width)
    }
  return [...contacts].flatMap(([key, pixels]): [number, number][] => {
    const [one, other] = [Math.floor(key / count), key % count]
    const smaller = Math.min(clusters[one]!.weight, clusters[other]!.weight)
    return pixels >= gradientContact * Math.sqrt(smaller) ? [[one, other]] : []
  })
}

interface Found {
  ground: Ground | null
  mask: Uint8Array
  edges: Edges
  /** The first cluster of each pixel that is no mixture. */
  labels: Int16Array
  /** The place in `found` of each first cluster. */
  final: readonly number[]
  found: readonly Cluster[]
}

/** Counts every pixel: a mixture with the two colours that it lies between. */
function weighed(image: RgbaImage, { ground, mask, edges, labels, final, found }: Found): Palette {
  const { data, width, height } = image
  const pixels = width * height
  const weights = found.map(() => 0)
  let onGround = 0
  const likest = (p: number) => nearestOf(found, toLab(data[p * 4]!, data[p * 4 + 1]!, data[p * 4 + 2]!))
  const add = (p: number, weight: number) => {
    if (mask[p]) onGround += weight
    else if (found.length > 0) {
      const label = labels[p]!
      const at = label >= 0 ? final[label]! : likest(p)
      weights[at] = weights[at]! + weight
    }
  }
  for (let p = 0; p < pixels; p++) {
    const opacity = data[p * 4 + 3]! / 255
    if (mask[p] || data[p * 4 + 3]! < minOpacity) continue
    if (edges.from[p]! < 0) add(p, opacity)
    else {
      add(edges.from[p]!, opacity * edges.share[p]!)
      add(edges.to[p]!, opacity * (1 - edges.share[p]!))
    }
  }
  const drawn = weights.reduce((sum, weight) => sum + weight, 0)
  const colours = found
    .map(({ lab }, i) => ({ hex: hexOf(fromLab(lab)), share: weights[i]! / drawn }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share || (a.hex < b.hex ? -1 : 1))
  return { ground: ground && { ...ground, share: Math.min(1, ground.share + onGround / pixels) }, colours }
}
