/** transformers.js out of this folder's own node_modules, installed when it is missing. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

type Pretrained<T> = { from_pretrained(name: string, options?: { dtype?: 'fp32' }): Promise<T> }
type Output = Record<'pixel_values' | 'image_embeds' | 'text_embeds', { data: Float32Array }>

/** The part of transformers.js that the benches use: its own types come with the package, which a checkout does not have. */
export interface Transformers {
  env: { localModelPath: string; allowRemoteModels: boolean }
  RawImage: { fromBlob(blob: Blob): Promise<object> }
  AutoProcessor: Pretrained<(images: object) => Promise<Output>>
  AutoTokenizer: Pretrained<
    (texts: string[], options: { padding: true | 'max_length'; truncation: true }) => object
  >
  CLIPVisionModelWithProjection: Pretrained<(inputs: object) => Promise<Output>>
  CLIPTextModelWithProjection: Pretrained<(inputs: object) => Promise<Output>>
}

export function loadTransformers(): Promise<Transformers> {
  const folder = import.meta.dirname
  if (!existsSync(path.join(folder, 'node_modules', '@huggingface', 'transformers'))) {
    console.log('installing transformers.js for the comparison')
    execFileSync('npm', ['ci', '--ignore-scripts', '--prefix', folder], { stdio: 'inherit' })
  }
  const require = createRequire(path.join(folder, 'load.js'))
  return import(pathToFileURL(require.resolve('@huggingface/transformers')).href)
}
