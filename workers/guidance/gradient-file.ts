/** Derived graphs on disk: made once for each revision of a model. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import * as ort from 'onnxruntime-node'
import { GraphError } from '../errors.ts'
import { withDraft, writeWhole } from '../fs/write.ts'
import { writeModel } from '../onnx/file.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { type Derived, derivationVersion, deriveGradient } from './derive-gradient.ts'

export interface GradientFile extends Derived {
  /** Absolute path of the ONNX file. */
  path: string
}

export const visionFile = ({ files }: ModelSpec): string =>
  files.kind === 'combined' ? files.model : files.vision

/**
 * The derived file of a model, made now if it is not there.
 * @throws GraphError when the model cannot be differentiated
 */
export async function gradientFile(spec: ModelSpec, cacheFolder: string): Promise<GradientFile> {
  const folder = path.join(cacheFolder, 'gradients')
  const base = path.join(folder, `${spec.revision}-${derivationVersion()}`)
  const file = `${base}.onnx`
  const known = await readFile(`${base}.json`, 'utf8')
    .then((text) => JSON.parse(text) as Derived)
    .catch(() => null)
  if (known) return { ...known, path: file }
  const { model, ...derived } = await deriveGradient(visionFile(spec), spec.image, spec.dimensions)
  await mkdir(folder, { recursive: true })
  // The description comes last: with it the file is whole. Two servers that derive at once write the same.
  await withDraft(file, async (draft) => {
    await writeFile(draft, writeModel(model))
    await tried(draft)
  })
  await writeWhole(`${base}.json`, JSON.stringify(derived))
  await removeOtherVersions(base)
  return { ...derived, path: file }
}

/** Removes the files that another version of the code derived from the same revision. */
async function removeOtherVersions(base: string): Promise<void> {
  const folder = path.dirname(base)
  const own = path.basename(base)
  const revision = own.slice(0, own.lastIndexOf('-') + 1)
  for (const name of await readdir(folder)) {
    const version = name.startsWith(revision) ? name.slice(revision.length) : ''
    // A revision may begin with another one and a hyphen; drafts have a hyphen too.
    if (/^[^-.]+[.](onnx|json)$/.test(version) && path.parse(name).name !== own)
      await rm(path.join(folder, name), { force: true })
  }
}

/** A file that the runtime does not take is not kept. @throws GraphError */
async function tried(file: string): Promise<void> {
  try {
    const session = await ort.InferenceSession.create(file, {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    })
    await session.release()
  } catch (error) {
    throw new GraphError(`ONNX Runtime refuses its gradient (${(error as Error).message.slice(0, 200)}).`)
  }
}
