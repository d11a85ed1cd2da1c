/** Hairlines: lines so thin that antialiasing leaves hardly a pixel in their own colour. */

import type { RgbaImage } from '../images/display.ts'
import type { Cluster } from './clusters.ts'
import { fromLab } from './oklab.ts'

/** The share of a cluster's pixels that lie beside the one colour it is mixed with where it is thin. */
const besideOne = 0.8
/** The share of them that lie near the other. */
const nearOther = 0.5
/** How far near is, in pixels. */
const reach = 2
/** Of the image's pixels: more of them are no hairlines. */
const maxThin = 0.15
/** How near to either end a mixture may come, and how far beside the line, in parts of the distance of the ends. */
const endpoint = 0.05
const offLine = 0.1

/**
 * The clusters that are mixtures of two others, or of one and the ground: thin all over, and between the two in place and
 * in colour. `labels` of pixels without a cluster are -1.
 */
export function thinMixtures(
  { width, height }: RgbaImage,
  mask: Uint8Array,
  { clusters, labels }: { clusters: readonly Cluster[]; labels: Int16Array },
): Set<number> {
  const ground = clusters.length
  const own = clusters.map(() => 0)
  const rim = clusters.map(() => 0)
  const onRim = new Uint8Array(labels.length)
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p++) {
      const label = labels[p]!
      if (label < 0) continue
      own[label]!++
      if (x > 0 && x < width - 1 && y > 0 && y < height - 1 && isInside(p, width, labels)) continue
      rim[label]!++
      onRim[p] = 1
    }
  const candidates = [...clusters.keys()].filter((label) => rim[label]! >= besideOne * own[label]!)
  const thinPixels = candidates.reduce((sum, label) => sum + own[label]!, 0)
  // What is thin covers little; the grain of a photograph is nothing but rims.
  if (thinPixels > maxThin * labels.length) return new Set()
  const isCandidate = new Set(candidates)
  // By candidate, pixels beside each other cluster, and near it; the ground counts as one more.
  const beside = clusters.map(() => new Map<number, number>())
  const near = clusters.map(() => new Map<number, number>())
  const found = new Set<number>()
  const count = (x: number, y: number, radius: number, counts: Map<number, number>) => {
    found.clear()
    for (let row = Math.max(0, y - radius); row <= Math.min(height - 1, y + radius); row++)
      for (let column = Math.max(0, x - radius); column <= Math.min(width - 1, x + radius); column++) {
        const q = row * width + column
        found.add(mask[q] ? ground : labels[q]!)
      }
    for (const other of found) if (other >= 0) counts.set(other, (counts.get(other) ?? 0) + 1)
  }
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++, p++) {
      if (!onRim[p] || !isCandidate.has(labels[p]!)) continue
      count(x, y, 1, beside[labels[p]!]!)
      count(x, y, reach, near[labels[p]!]!)
    }
  const colours: Rgb[] = [...clusters.map(({ lab }) => fromLab(lab)), [255, 255, 255]]
  const isThin = (label: number) =>
    [...beside[label]!].some(
      ([one, pixels]) =>
        one !== label &&
        pixels >= besideOne * own[label]! &&
        [...near[label]!].some(
          ([other, count]) =>
            other !== label &&
            other !== one &&
            count >= nearOther * own[label]! &&
            isBetween(colours[label]!, colours[one]!, colours[other]!),
        ),
    )
  return new Set(candidates.filter(isThin))
}

const isInside = (p: number, width: number, labels: Int16Array): boolean => {
  const label = labels[p]!
  return (
    labels[p - 1] === label &&
    labels[p + 1] === label &&
    labels[p - width] === label &&
    labels[p + width] === label
  )
}

type Rgb = readonly [number, number, number]

function isBetween(one: Rgb, start: Rgb, end: Rgb): boolean {
  const along = end.map((v, c) => v - start[c]!)
  const away = one.map((v, c) => v - start[c]!)
  const dot = (a: readonly number[], b: readonly number[]) => a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!
  const square = dot(along, along)
  const part = dot(away, along) / square
  if (!(part > endpoint && part < 1 - endpoint)) return false
  return dot(away, away) - part * part * square < offLine * offLine * square
}
