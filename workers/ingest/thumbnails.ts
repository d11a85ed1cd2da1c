import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { type ByteRange, type OpenFile, openFile } from '../fs/read.ts'
import { withDraft } from '../fs/write.ts'
import { type ImageLimits, imageError, imageHeader, openImage } from '../images/open.ts'
import { SvgRenderer, svgLimits } from '../images/svg/renderer.ts'
import { opaqueIfWhite } from '../images/transparency/opaque.ts'
import type { FileStore, StoredImage } from './file-store.ts'

export interface ThumbnailsOptions {
  root: string
  drafts: string
  files: FileStore
  limits: ImageLimits
}

/** WebP thumbnails, made on first use and kept by content: `<root>/ab/cdef…/320.webp`. */
export class Thumbnails {
  readonly #options: ThumbnailsOptions
  readonly #making = new Map<string, Promise<void>>()
  /** Its own: nobody needs a key to ask for thumbnails, and slow ones must not hold up uploads. */
  readonly #renderer = new SvgRenderer({ ...svgLimits, waiting: 16 })

  constructor(options: ThumbnailsOptions) {
    this.#options = options
  }

  /**
   * The thumbnail whose longest edge is `size` pixels; a photograph that is smaller keeps its size, a drawing is
   * drawn at that size. Null where there is no file to make it from.
   * @throws ItemError when the image does not decode, Overloaded when too many drawings wait
   */
  async open(asset: StoredImage, size: number, range?: ByteRange): Promise<OpenFile | null> {
    const file = path.join(this.#folder(asset.contentHash), `${size}.webp`)
    const made = await openFile(file, range)
    if (made) return made
    let making = this.#making.get(file)
    if (!making) {
      making = this.#make(file, size, asset).finally(() => this.#making.delete(file))
      this.#making.set(file, making)
    }
    await making
    return openFile(file, range)
  }

  async delete(hash: string): Promise<void> {
    await rm(this.#folder(hash), { recursive: true, force: true })
  }

  #folder(hash: string): string {
    return path.join(this.#options.root, hash.slice(0, 2), hash.slice(2))
  }

  async #make(file: string, size: number, { contentHash, mimeType }: StoredImage): Promise<void> {
    const { files, drafts } = this.#options
    const bytes = await files.read(contentHash, mimeType)
    if (!bytes) return
    await mkdir(path.dirname(file), { recursive: true })
    await withDraft(file, (draft) => this.#render(bytes, size, draft), drafts)
    // The image was removed while it was rendered: the removal may have passed by before the thumbnail was in place.
    if (!(await files.has(contentHash, mimeType)))
      await rm(path.dirname(file), { recursive: true, force: true })
  }

  async #render(bytes: Uint8Array, size: number, out: string): Promise<void> {
    const resize = { width: size, height: size, fit: 'inside' } as const
    const { limits } = this.#options
    try {
      const { format, width, height, hasAlpha } = await imageHeader(bytes, limits, this.#renderer)
      let image: Sharp
      if (format === 'svg') {
        const scale = size / Math.max(width, height)
        const options = { pixels: limits.pixels, scale, resize }
        const { data, ...raw } = await this.#renderer.render(bytes, options)
        image = sharp(data, { raw })
      } else
        image = openImage(bytes, limits)
          .autoOrient()
          .resize({ ...resize, withoutEnlargement: true })
      // White artwork would not show on the white page of a gallery.
      if (format === 'svg' || hasAlpha) image = await opaqueIfWhite(image)
      await image.webp({ quality: 82, smartSubsample: true }).toFile(out)
    } catch (error) {
      throw imageError(error)
    }
  }
}
