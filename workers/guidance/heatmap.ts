import { fitOf } from '../images/fit.ts'
import type { ImageSpec } from '../images/image-spec.ts'

/**
 * Maps the heat of the encoder's grid, d loss of each place, to cells of the image, row-major: bilinear, and scaled so
 * that the cell that lowers the loss most is `peak`. Cells that raise the loss, or that the encoder's crop leaves out,
 * are 0.
 */
export function cellsOf(
  heat: Float32Array,
  grid: { rows: number; columns: number },
  image: { width: number; height: number },
  spec: ImageSpec,
  cells: { rows: number; columns: number },
  peak = 1,
): number[] {
  const { width, height, crop, left, top } = fitOf(image, spec)
  const at = (row: number, column: number) => -heat[row * grid.columns + column]!
  const bounded = (value: number, max: number) => Math.min(max, Math.max(0, value))
  const values = Array.from({ length: cells.rows * cells.columns }, (_, cell) => {
    // Middle of the cell, in pixels of the resized image, then of the encoder's input.
    const x = (((cell % cells.columns) + 0.5) / cells.columns) * width
    const y = ((Math.floor(cell / cells.columns) + 0.5) / cells.rows) * height
    if (x < crop.left || y < crop.top || x > crop.left + crop.width || y > crop.top + crop.height) return 0
    const gx = bounded(((x - crop.left + left) / spec.width) * grid.columns - 0.5, grid.columns - 1)
    const gy = bounded(((y - crop.top + top) / spec.height) * grid.rows - 0.5, grid.rows - 1)
    const [x0, y0] = [Math.floor(gx), Math.floor(gy)]
    const [x1, y1] = [Math.min(x0 + 1, grid.columns - 1), Math.min(y0 + 1, grid.rows - 1)]
    const [ax, ay] = [gx - x0, gy - y0]
    const upper = at(y0, x0) * (1 - ax) + at(y0, x1) * ax
    const lower = at(y1, x0) * (1 - ax) + at(y1, x1) * ax
    return Math.max(0, upper * (1 - ay) + lower * ay)
  })
  const largest = Math.max(...values)
  return largest > 0 ? values.map((value) => (peak * value) / largest) : values
}
