/** What Limn is measured against: ONNX Runtime alone, and transformers.js on the same weights. */
import os from 'node:os'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { loadTokenizer, padBatch } from '../../workers/encode/tokenizer.ts'
import type { ModelSpec } from '../../workers/registry/spec.ts'
import { loadTransformers } from './transformers/load.ts'

/** session.run on images that lie ready: nothing is decoded. Returns a function that runs one batch. */
export async function rawImages(folder: string): Promise<(batch: number) => Promise<void>> {
  const session = await ort.InferenceSession.create(path.join(folder, 'onnx', 'vision_model.onnx'), {
    intraOpNumThreads: os.availableParallelism(),
  })
  const tensors = new Map<number, ort.Tensor>()
  return async (batch) => {
    const size = batch * 3 * 224 * 224
    const data = () => Float32Array.from({ length: size }, (_, i) => ((i * 37) % 255) / 127 - 1)
    if (!tensors.has(batch)) tensors.set(batch, new ort.Tensor('float32', data(), [batch, 3, 224, 224]))
    await session.run({ pixel_values: tensors.get(batch)! })
  }
}

/** session.run on texts, tokenized and padded to the longest of their batch. */
export async function rawTexts(
  spec: ModelSpec,
  folder: string,
): Promise<(texts: readonly string[]) => Promise<void>> {
  const session = await ort.InferenceSession.create(path.join(folder, 'onnx', 'text_model.onnx'), {
    intraOpNumThreads: os.availableParallelism(),
  })
  const tokenizer = await loadTokenizer(spec)
  return async (texts) => {
    const rows = texts.map((text) => tokenizer.encode(text))
    const length = Math.max(...rows.map((row) => row.length))
    const { ids, mask } = padBatch(rows, length, spec.text.padId)
    const feeds = { input_ids: ids, attention_mask: mask }
    await session.run(
      Object.fromEntries(
        Object.entries(feeds)
          .filter(([name]) => session.inputNames.includes(name))
          .map(([name, data]) => [name, new ort.Tensor('int64', data, [rows.length, length])]),
      ),
    )
  }
}

export interface Transformers {
  images(files: readonly Buffer[]): Promise<void>
  /** `longest`: padded to the longest text of the batch; `max`: to 77 tokens. */
  texts(texts: readonly string[], padding: 'longest' | 'max'): Promise<void>
}

export async function transformers(root: string, name: string): Promise<Transformers> {
  const {
    AutoProcessor,
    AutoTokenizer,
    CLIPTextModelWithProjection,
    CLIPVisionModelWithProjection,
    env,
    RawImage,
  } = await loadTransformers()
  env.localModelPath = root
  env.allowRemoteModels = false
  const fp32 = { dtype: 'fp32' } as const
  const [processor, tokenizer, vision, text] = await Promise.all([
    AutoProcessor.from_pretrained(name),
    AutoTokenizer.from_pretrained(name),
    CLIPVisionModelWithProjection.from_pretrained(name, fp32),
    CLIPTextModelWithProjection.from_pretrained(name, fp32),
  ])
  const check = (output: { data?: ArrayLike<number> }) => {
    if (!Number.isFinite(output.data?.[0])) throw new Error('transformers.js gave no vector')
  }
  return {
    async images(files) {
      const images = await Promise.all(
        files.map((file) => RawImage.fromBlob(new Blob([new Uint8Array(file)]))),
      )
      check((await vision(await processor(images))).image_embeds)
    },
    async texts(texts, padding) {
      const inputs = tokenizer([...texts], {
        padding: padding === 'max' ? 'max_length' : true,
        truncation: true,
      })
      check((await text(inputs)).text_embeds)
    },
  }
}
