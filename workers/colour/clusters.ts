/** Groups of like colours: fills keep their exact colour, parts of a gradient are joined, and few remain. */
import type { Colours } from './counts.ts'
import { difference, fromLab, type Lab, toLab } from './oklab.ts'

/** A group of colours. */
export interface Cluster {
  /** Pixels, by their opacity. */
  weight: number
  lab: Lab
  /** Mean square {@link difference} of its pixels from their mean. */
  spread: number
  /** Most of its pixels have nearly one colour, which `lab` is: a fill, and no part of a gradient. */
  fill: boolean
}

/** Two colours this near are one. */
const sameColour = 4
/** Around a fill's colour: JPEG and dithering leave no exact one. */
const fillRadius = 1.2
/** The share of a cluster's pixels that are this near to its heaviest colour where it is a fill. */
const fillShare = 0.5
/** The widest cluster that parts of a gradient are joined to: a root mean square difference. */
const gradientRadius = 10

/** The cell of a colour (0xrrggbb) in the cube of 32 steps a channel. */
export const cellOf = (rgb: number) => ((rgb >> 9) & 0x7c00) | ((rgb >> 6) & 0x3e0) | ((rgb >> 3) & 31)
export const cells = 32_768

const labOf = (rgb: number): Lab => toLab(rgb >> 16, (rgb >> 8) & 255, rgb & 255)

/** Clusters around the heaviest colours, and the cluster of each cell; -1 for cells without pixels. */
export function clustersOf(colours: Colours): { clusters: Cluster[]; ofCell: Int16Array } {
  const { rgb, weights } = colours
  const weight = new Float64Array(cells)
  /** The heaviest colour of each cell, by its place in `rgb`. */
  const heaviest = new Int32Array(cells).fill(-1)
  for (let i = 0; i < rgb.length; i++) {
    const cell = cellOf(rgb[i]!)
    weight[cell]! += weights[i]!
    const peak = heaviest[cell]!
    if (peak < 0 || weights[i]! > weights[peak]!) heaviest[cell] = i
  }
  const filled: number[] = []
  for (let cell = 0; cell < cells; cell++) if (heaviest[cell]! >= 0) filled.push(cell)
  filled.sort((a, b) => weight[b]! - weight[a]! || a - b)
  const ofCell = new Int16Array(cells).fill(-1)
  const seeds = new LabList()
  const peaks: number[] = []
  for (const cell of filled) {
    const peak = heaviest[cell]!
    const lab = labOf(rgb[peak]!)
    let seed = seeds.nearest(lab, sameColour)
    if (seed < 0) {
      seed = seeds.push(lab)
      peaks.push(peak)
    } else if (weights[peak]! > weights[peaks[seed]!]!) peaks[seed] = peak
    ofCell[cell] = seed
  }
  return { clusters: measured(colours, ofCell, peaks), ofCell }
}

/** Colours that the nearest one is looked for in. */
class LabList {
  readonly #values: number[] = []

  /** Returns the place of the new one. */
  push([l, a, b]: Lab): number {
    return this.#values.push(l, a, b) / 3 - 1
  }

  /** -1 where none is nearer than `within`. */
  nearest([l, a, b]: Lab, within: number): number {
    const values = this.#values
    let best = -1
    let least = (within / 100) ** 2
    for (let i = 0; i < values.length; i += 3) {
      const dl = values[i]! - l
      const da = values[i + 1]! - a
      const db = values[i + 2]! - b
      const square = dl * dl + da * da + db * db
      if (square < least) {
        best = i / 3
        least = square
      }
    }
    return best
  }
}

/** The one with the nearest colour; -1 where there is none. */
export function nearestOf(some: readonly { lab: Lab }[], lab: Lab): number {
  const list = new LabList()
  for (const one of some) list.push(one.lab)
  return list.nearest(lab, Infinity)
}

function measured({ rgb, weights }: Colours, ofCell: Int16Array, peaks: readonly number[]): Cluster[] {
  // Weight, its products with the three coordinates and with the square of their length; then the first four of those
  // colours alone that are near to the heaviest.
  const sums = peaks.map(() => new Float64Array(9))
  const middles = peaks.map((peak) => labOf(rgb[peak]!))
  for (let i = 0; i < rgb.length; i++) {
    const which = ofCell[cellOf(rgb[i]!)]!
    const [l, a, b] = labOf(rgb[i]!)
    const weight = weights[i]!
    const sum = sums[which]!
    sum[0]! += weight
    sum[1]! += weight * l
    sum[2]! += weight * a
    sum[3]! += weight * b
    sum[4]! += weight * (l * l + a * a + b * b)
    if (difference([l, a, b], middles[which]!) > fillRadius) continue
    sum[5]! += weight
    sum[6]! += weight * l
    sum[7]! += weight * a
    sum[8]! += weight * b
  }
  return sums.map((sum): Cluster => {
    const [weight, l, a, b, square, near, nearL, nearA, nearB] = sum as unknown as number[]
    const mean: Lab = [l! / weight!, a! / weight!, b! / weight!]
    const fill = near! >= fillShare * weight!
    return {
      weight: weight!,
      lab: fill ? [nearL! / near!, nearA! / near!, nearB! / near!] : mean,
      spread: 10_000 * Math.max(0, square! / weight! - mean[0] ** 2 - mean[1] ** 2 - mean[2] ** 2),
      fill,
    }
  })
}

/** Two fills that touch without an edge are parts of a gradient when they are this many 8-bit steps apart or fewer. */
const oneStep = 6

const areFills = (one: Cluster, other: Cluster): boolean => {
  if (!one.fill || !other.fill) return false
  const [there, here] = [fromLab(one.lab), fromLab(other.lab)]
  return Math.hypot(there[0] - here[0], there[1] - here[1], there[2] - here[2]) > oneStep
}

/** What joining two clusters adds to the sum of square differences (Ward 1963). */
const costOf = (one: Cluster, other: Cluster) =>
  ((one.weight * other.weight) / (one.weight + other.weight)) * difference(one.lab, other.lab) ** 2

/** Two clusters as one. A fill's colour is kept where it is the larger part: no mean of two fills is in the image. */
function joined(one: Cluster, other: Cluster): Cluster {
  const more = one.weight >= other.weight ? one : other
  const weight = one.weight + other.weight
  const mix = (k: 0 | 1 | 2) => (one.lab[k] * one.weight + other.lab[k] * other.weight) / weight
  return {
    weight,
    lab: more.fill ? more.lab : [mix(0), mix(1), mix(2)],
    spread:
      (one.weight * one.spread + other.weight * other.spread) / weight +
      ((one.weight * other.weight) / weight ** 2) * difference(one.lab, other.lab) ** 2,
    fill: more.fill,
  }
}

/** Clusters that are joined step by step; `place` tells where each of the first ones went. */
export class Merging {
  readonly clusters: (Cluster | null)[]
  readonly #place: number[]

  constructor(clusters: readonly Cluster[]) {
    this.clusters = [...clusters]
    this.#place = clusters.map((_, i) => i)
  }

  placeOf(first: number): number {
    let at = first
    while (this.#place[at] !== at) at = this.#place[at]!
    return at
  }

  get left(): number[] {
    return this.clusters.flatMap((cluster, i) => (cluster ? [i] : []))
  }

  /** Joins parts of gradients, the likest first. `touch` says whether two of the first clusters run into each other. */
  joinGradients(touching: readonly (readonly [one: number, other: number])[]): void {
    for (;;) {
      let best: [number, number] | null = null
      let least = Infinity
      for (const pair of touching) {
        const [i, j] = [this.placeOf(pair[0]), this.placeOf(pair[1])]
        if (i === j) continue
        const [one, other] = [this.clusters[i]!, this.clusters[j]!]
        if (areFills(one, other)) continue
        const cost = costOf(one, other)
        if (cost >= least || joined(one, other).spread > gradientRadius ** 2) continue
        ;[best, least] = [[i, j], cost]
      }
      if (!best) return
      this.#join(...best)
    }
  }

  /** Joins the pair that costs least until `count` are left. */
  joinTo(count: number): void {
    for (let left = this.left; left.length > count; left = this.left) {
      let best: [number, number] = [left[0]!, left[1]!]
      let least = Infinity
      for (const [n, i] of left.entries())
        for (const j of left.slice(n + 1)) {
          const cost = costOf(this.clusters[i]!, this.clusters[j]!)
          if (cost < least) [best, least] = [[i, j], cost]
        }
      this.#join(...best)
    }
  }

  /** Gives the weight of clusters lighter than `weight` to the likest that is not. */
  sweep(weight: number): void {
    const heavy = this.left.filter((i) => this.clusters[i]!.weight >= weight)
    if (heavy.length === 0) return
    for (const i of this.left) {
      const dust = this.clusters[i]!
      if (dust.weight >= weight) continue
      const near =
        heavy[
          nearestOf(
            heavy.map((k) => this.clusters[k]!),
            dust.lab,
          )
        ]!
      const cluster = this.clusters[near]!
      this.clusters[near] = { ...cluster, weight: cluster.weight + dust.weight }
      this.clusters[i] = null
      this.#place[i] = near
    }
  }

  #join(i: number, j: number): void {
    this.clusters[i] = joined(this.clusters[i]!, this.clusters[j]!)
    this.clusters[j] = null
    this.#place[j] = i
  }
}
