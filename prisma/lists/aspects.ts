/** The usual shapes, as limn_aspect of the migrations names them: each reaches half-way to its neighbours. */
export interface Aspect {
  name: string
  /** Width / height, from (inclusive) and below. */
  from: number
  below: number
}

const rows: [name: string, below: number][] = [
  ['1:3', 0.41],
  ['1:2', 0.53],
  ['9:16', 0.61],
  ['2:3', 0.71],
  ['3:4', 0.775],
  ['4:5', 0.9],
  ['1:1', 1.11],
  ['5:4', 1.29],
  ['4:3', 1.41],
  ['3:2', 1.63],
  ['16:9', 1.88],
  ['2:1', 2.45],
  ['3:1', Number.POSITIVE_INFINITY],
]

export const aspects: readonly Aspect[] = rows.map(([name, below], n) => ({
  name,
  from: n === 0 ? 0 : rows[n - 1]![1],
  below,
}))
