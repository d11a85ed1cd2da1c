/** An SVG that can be rendered at any size: its own size, and its file with another size written into the root. */
import sharp, { type Sharp, type SharpOptions } from 'sharp'
import { utf8Xml } from '../formats/xml-encoding.ts'
import { type RootTag, readRootTag, writeRootTag } from './root-tag.ts'
import { rootSize } from './sizing.ts'

/**
 * Dots per inch of every rendering: CSS pixels. The renderer multiplies a drawing in physical units by this twice, once
 * as unit and once as scale, so it cannot serve as the scale.
 */
const density = 96
/** The renderer takes a pixel for 1/72 inch. */
const rendererPixels = 72 / density

/** Sides that browsers give where nothing else does. */
const defaultWidth = 300
const defaultHeight = 150

/** How far left of and above the origin the ink is measured from. */
const anchor = 900_000

/** Lengths that are shares of the drawing's own size. */
const relativeLength = /\s(?:x|y|cx|cy|r|width|height)\s*=\s*["'][^"'%<>]*%/

export class SvgDocument {
  /** In CSS pixels, not rounded. */
  readonly width: number
  readonly height: number
  readonly #root: RootTag
  readonly #hasViewBox: boolean

  private constructor(root: RootTag, size: { width: number; height: number }, hasViewBox: boolean) {
    this.#root = root
    this.width = size.width
    this.height = size.height
    this.#hasViewBox = hasViewBox
  }

  /** @throws Error with sharp's words, also for an SVG without a size */
  static async open(bytes: Uint8Array): Promise<SvgDocument> {
    const file = utf8Xml(bytes)
    const root = readRootTag(file.toString('latin1'))
    if (!root) {
      // The renderer knows why.
      await sharp(file).metadata()
      throw new Error('XML parse error: no root element')
    }
    const { width, height, viewBox } = rootSize(root.attributes)
    const size =
      width !== null && height !== null ? { width, height } : await sizeByInk(root, { width, height })
    if (!(size.width >= 0.5 && size.height >= 0.5 && viewBox?.width !== 0 && viewBox?.height !== 0))
      throw new Error('bad dimensions')
    return new SvgDocument(root, size, viewBox !== null)
  }

  /** A pipeline that renders it at a multiple of its size, rounded to whole pixels. */
  render(scale: number, options: SharpOptions = {}): Sharp {
    const { width, height } = this
    const attributes = new Map(this.#root.attributes)
    if (!this.#hasViewBox) {
      attributes.set('viewBox', `0 0 ${width} ${height}`)
      attributes.delete('preserveAspectRatio')
    }
    const pixels = (side: number) => Math.max(1, side * scale) * rendererPixels
    setSize(attributes, `${pixels(width)}px`, `${pixels(height)}px`)
    return open(writeRootTag(this.#root, attributes), options)
  }
}

const open = (text: string, options: SharpOptions) =>
  sharp(Buffer.from(text, 'latin1'), { failOn: 'error', density, ...options })

/** Style sheets may have a size for the root too. */
function setSize(attributes: Map<string, string>, width: string, height: string): void {
  attributes.delete('width')
  attributes.delete('height')
  const style = attributes.get('style') ?? ''
  attributes.set('style', `width:${width}!important;height:${height}!important;${style}`)
}

/**
 * A side that the root leaves open ends where the drawing's ink does, as librsvg has it: browsers show the first 300 x 150
 * pixels only. A drawing that refers to its own size has at least theirs.
 */
async function sizeByInk(root: RootTag, known: { width: number | null; height: number | null }) {
  const attributes = new Map(root.attributes)
  setSize(attributes, 'auto', 'auto')
  // The renderer tells the size of the ink and not where it begins: with a speck far off it begins there.
  const speck = `<${root.name.replace(/svg$/, 'path')} d="M-${anchor}-${anchor}h1v1z"/>`
  const ink = await open(writeRootTag(root, attributes, speck), { limitInputPixels: false }).metadata()
  // Rounded to pixels of the renderer.
  const end = (side: number) => Math.ceil((side - 0.5) * rendererPixels - anchor)
  const isRelative = relativeLength.test(root.after)
  const [minWidth, minHeight] = isRelative ? [defaultWidth, defaultHeight] : [0, 0]
  return {
    width: known.width ?? Math.max(minWidth, end(ink.width)),
    height: known.height ?? Math.max(minHeight, end(ink.height)),
  }
}
