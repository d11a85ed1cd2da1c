import { rm } from 'node:fs/promises'
import path from 'node:path'
import { LRUCache } from 'lru-cache'
import sharp from 'sharp'
import { ItemError } from '../errors.ts'
import { type ByteRange, type OpenFile, openFile, readWhole } from '../fs/read.ts'
import { writeDurably } from '../fs/write.ts'
import { decodeShown } from '../images/decode-raster.ts'
import { type ImageLimits, imageError, imageHeader } from '../images/open.ts'
import { ImageProcess, maxMegabytes } from '../images/process/image-process.ts'
import { opaqueIfWhite } from '../images/transparency/opaque.ts'
import type { FileStore, StoredImage } from './file-store.ts'

export interface ThumbnailsOptions {
  root: string
  drafts: string
  files: FileStore
  limits: ImageLimits
}

/** Files that this process has read through or written; a later one is checked again. */
const maxChecked = 100_000
const maxFailures = 10_000
/** A drawing that took too long may have met a busy machine. */
const failureMs = 600_000

/** WebP thumbnails, made on first use and kept by content: `<root>/ab/cdef…/320.webp`. */
export class Thumbnails {
  readonly #options: ThumbnailsOptions
  readonly #making = new Map<string, Promise<void>>()
  readonly #checked = new LRUCache<string, true>({ max: maxChecked })
  /** By image and size: what cannot be made is not tried at each request. */
  readonly #failures = new LRUCache<string, ItemError>({ max: maxFailures, ttl: failureMs })
  /** Its own: nobody needs a key to ask for thumbnails, and slow ones must not hold up uploads. */
  readonly #process = new ImageProcess({ megabytes: maxMegabytes, waiting: 16 })

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
    const made = this.#checked.has(file) ? await openFile(file, range) : null
    if (made) return made
    const failure = this.#failures.get(file)
    if (failure) throw failure
    let making = this.#making.get(file)
    if (!making) {
      making = this.#provide(file, size, asset).finally(() => this.#making.delete(file))
      this.#making.set(file, making)
    }
    try {
      await making
    } catch (error) {
      if (error instanceof ItemError) this.#failures.set(file, error)
      throw error
    }
    return openFile(file, range)
  }

  async delete(hash: string): Promise<void> {
    const folder = this.#folder(hash)
    for (const file of this.#failures.keys())
      if (file.startsWith(`${folder}${path.sep}`)) this.#failures.delete(file)
    await rm(folder, { recursive: true, force: true })
  }

  /** A whole file: the one that is there, or a new one where a crash of the machine left it damaged. */
  async #provide(file: string, size: number, asset: StoredImage): Promise<void> {
    if (!(await isWhole(file))) await this.#make(file, size, asset)
    this.#checked.set(file, true)
  }

  #folder(hash: string): string {
    return path.join(this.#options.root, hash.slice(0, 2), hash.slice(2))
  }

  async #make(file: string, size: number, asset: StoredImage): Promise<void> {
    const { files, drafts } = this.#options
    const bytes = await files.read(asset)
    if (!bytes) return rm(file, { force: true })
    await writeDurably(file, await this.#render(bytes, size), drafts)
    // The image was removed while it was rendered: the removal may have passed by before the thumbnail was in place.
    if ((await files.condition(asset, 'size')) === 'missing')
      await rm(path.dirname(file), { recursive: true, force: true })
  }

  async #render(bytes: Uint8Array, size: number): Promise<Uint8Array> {
    const resize = { width: size, height: size, fit: 'inside' } as const
    const { limits } = this.#options
    try {
      const { format, width, height } = await imageHeader(bytes, limits, this.#process)
      const { data, ...raw } =
        format === 'svg'
          ? await this.#process.svg(bytes, { ...limits, scale: size / Math.max(width, height), resize })
          : await decodeShown(
              bytes,
              { ...limits, resize: { ...resize, withoutEnlargement: true } },
              this.#process,
            )
      let image = sharp(data, { raw })
      // White artwork would not show on the white page of a gallery.
      if (raw.channels % 2 === 0) image = await opaqueIfWhite(image)
      return await image.webp({ quality: 82, smartSubsample: true }).toBuffer()
    } catch (error) {
      throw imageError(error)
    }
  }
}

async function isWhole(file: string): Promise<boolean> {
  const bytes = await readWhole(file)
  if (!bytes) return false
  try {
    await sharp(bytes, { failOn: 'truncated' }).stats()
    return true
  } catch {
    return false
  }
}
