/** Derives a model's variant for a provider once, whichever process comes first. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryLock } from '../fs/lock.ts'
import { readRecord, type VariantRecord, variantBase, variantVersion } from '../registry/derived.ts'
import type { ModelSpec } from '../registry/spec.ts'
import { type DeriveModelOptions, deriveModel } from './derive-model.ts'

/** Files are for the CPU, in 8 bits, when `provider` is absent; GPUs get half precision. */
export type OptimizeOptions = Omit<DeriveModelOptions, 'provider'> &
  Partial<Pick<DeriveModelOptions, 'provider'>>

/** How often a process looks whether another has finished, ms. */
const pollMs = 500

/**
 * Makes and judges the files of both towers. A tower that cannot be derived is in the record with its reason; the model's
 * own files stay as they are. Where another process derives them already, waits for its record.
 * @throws ModelFolderError when the model itself does not load
 */
export async function optimize(spec: ModelSpec, given: OptimizeOptions): Promise<VariantRecord> {
  const options = { provider: 'cpu' as const, ...given }
  const { cacheFolder, provider, signal } = options
  const base = variantBase(cacheFolder, spec.revision, provider)
  await mkdir(path.dirname(base), { recursive: true })
  for (let waited = false; ; waited = true) {
    const attempt = tryLock(`${base}.lock`)
    if ('holder' in attempt) {
      await sleep(pollMs, undefined, { signal })
      continue
    }
    try {
      const finished = waited ? await readRecord(cacheFolder, spec.revision, provider) : null
      if (finished) return finished
      await sweep(base, spec.revision)
      return await deriveModel(spec, base, options)
    } finally {
      attempt.lock.release()
    }
  }
}

/** Removes drafts that a killed process left, and files that older versions derived from this model. */
async function sweep(base: string, revision: string): Promise<void> {
  const folder = path.dirname(base)
  for (const name of await readdir(folder)) {
    const draft = name.startsWith(path.basename(base)) && name.includes('.draft')
    const older = name.startsWith(`${revision}-`) && !name.startsWith(`${revision}-${variantVersion}-`)
    if (draft || older) await rm(path.join(folder, name), { force: true })
  }
}
