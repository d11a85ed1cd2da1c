import sharp from 'sharp'
import { echoed, ItemError } from '../../workers/errors.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { asRequestError } from './errors.ts'
import type { ImageInput } from './inputs.ts'

/** An image that an answer carries. */
export interface ImageDataObject {
  mimeType: string
  width: number
  height: number
  bytes: Uint8Array
}

export const ImageData = builder.objectRef<ImageDataObject>('ImageData').implement({
  description: 'An image inside of an answer.',
  fields: (t) => ({
    mimeType: t.exposeString('mimeType', { description: 'image/png, or image/webp for previews.' }),
    width: t.exposeInt('width', { description: 'In pixels.' }),
    height: t.exposeInt('height', { description: 'In pixels.' }),
    base64: t.string({
      description: 'The file. `data:<mimeType>;base64,<this>` shows it.',
      resolve: ({ bytes }) =>
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
    }),
  }),
})

export async function pngData(bytes: Uint8Array): Promise<ImageDataObject> {
  const { width, height } = await sharp(bytes).metadata()
  return { mimeType: 'image/png', width, height, bytes }
}

/** The bytes of an image that an operation is about. @throws RequestError BAD_USER_INPUT naming the argument */
export async function argumentImage(
  input: typeof ImageInput.$inferInput,
  place: string,
  context: Context,
): Promise<Uint8Array> {
  try {
    if (input.assetId == null) return (await context.images(input, context.signal)).bytes
    const asset = await context.loaders.asset.load(input.assetId)
    if (!asset) throw new ItemError('NOT_FOUND', `There is no asset "${echoed(input.assetId)}".`)
    const bytes = await context.library.readFile(asset)
    if (!bytes)
      throw new ItemError(
        'NOT_FOUND',
        `The file of the asset "${echoed(input.assetId)}" is not on this server.`,
      )
    return bytes
  } catch (error) {
    throw error instanceof ItemError ? asRequestError(error, place) : error
  }
}
