import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { withDraft } from '../fs/write.ts'
import { type ImageLimits, imageError, imageHeader, openImage } from '../images/open.ts'
import { svgRenderer } from '../images/svg/renderer.ts'
import { exists } from './file-store.ts'

/** WebP thumbnails, made when first asked for and kept by content: `<root>/ab/cdef…/320.webp`. */
export class Thumbnails {
  readonly #root: string
  readonly #drafts: string
  readonly #limits: ImageLimits
  readonly #making = new Map<string, Promise<string>>()

  constructor(root: string, drafts: string, limits: ImageLimits) {
    this.#root = root
    this.#drafts = drafts
    this.#limits = limits
  }

  /**
   * Path of the thumbnail whose longest edge is `size` pixels; a photograph that is smaller keeps its size, a drawing
   * is drawn at that size. `source` is the stored file.
   * @throws ItemError when the image does not decode
   */
  async path(hash: string, size: number, source: string): Promise<string> {
    const file = path.join(this.#folder(hash), `${size}.webp`)
    if (await exists(file)) return file
    let making = this.#making.get(file)
    if (!making) {
      making = this.#make(file, size, source).finally(() => this.#making.delete(file))
      this.#making.set(file, making)
    }
    return making
  }

  async delete(hash: string): Promise<void> {
    await rm(this.#folder(hash), { recursive: true, force: true })
  }

  #folder(hash: string): string {
    return path.join(this.#root, hash.slice(0, 2), hash.slice(2))
  }

  async #make(file: string, size: number, source: string): Promise<string> {
    const bytes = await readFile(source)
    await mkdir(path.dirname(file), { recursive: true })
    await withDraft(file, (draft) => this.#render(bytes, size, draft), this.#drafts)
    // Removed while it was rendered: the removal may have passed by here before the thumbnail was in place.
    if (!(await exists(source))) await rm(path.dirname(file), { recursive: true, force: true })
    return file
  }

  async #render(bytes: Uint8Array, size: number, out: string): Promise<void> {
    const resize = { width: size, height: size, fit: 'inside' } as const
    try {
      const { format, width, height, density = 72 } = await imageHeader(bytes, this.#limits)
      let image: Sharp
      if (format === 'svg') {
        const scaled = Math.min(100_000, Math.max(1, (density * size) / Math.max(width, height)))
        const options = { pixels: this.#limits.pixels, density: scaled, resize }
        const { data, ...raw } = await svgRenderer.render(bytes, options)
        image = sharp(data, { raw })
      } else
        image = openImage(bytes, this.#limits)
          .autoOrient()
          .resize({ ...resize, withoutEnlargement: true })
      await image.webp({ quality: 82, smartSubsample: true }).toFile(out)
    } catch (error) {
      throw imageError(error)
    }
  }
}
