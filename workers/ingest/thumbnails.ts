import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { openPicture, type PictureLimits, pictureError } from '../sources/picture.ts'
import { exists } from './files.ts'

/** WebP thumbnails, made when first asked for and kept by content: `<root>/ab/cdef…/320.webp`. */
export class Thumbnails {
  readonly #root: string
  readonly #limits: PictureLimits
  readonly #making = new Map<string, Promise<string>>()

  constructor(root: string, limits: PictureLimits) {
    this.#root = root
    this.#limits = limits
  }

  /** Path of the thumbnail whose longest edge is `size` pixels. @throws ItemError when the picture does not decode */
  async path(hash: string, size: number, source: () => Promise<Uint8Array>): Promise<string> {
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

  async #make(file: string, size: number, source: () => Promise<Uint8Array>): Promise<string> {
    const bytes = await source()
    await mkdir(path.dirname(file), { recursive: true })
    const draft = `${file}.${process.pid}.draft`
    try {
      const {
        format,
        width = size,
        height = size,
        density = 72,
      } = await openPicture(bytes, this.#limits).metadata()
      // A drawing is rasterised at the size it is shown in.
      const scale = format === 'svg' ? Math.min(2400, (density * size) / Math.max(width, height)) : undefined
      await openPicture(bytes, this.#limits, scale ? { density: Math.max(1, scale) } : {})
        .autoOrient()
        .resize(size, size, { fit: 'inside', withoutEnlargement: format !== 'svg' })
        .webp({ quality: 82, smartSubsample: true })
        .toFile(draft)
    } catch (error) {
      throw pictureError(error)
    }
    await rename(draft, file)
    return file
  }
}
