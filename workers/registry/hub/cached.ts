/** Models in the cache of the Hugging Face tools. Limn reads them where they lie and writes nothing there. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { pickGraphs } from '../graph-files.ts'

const prefix = 'models--'

/** Folders of the models that Limn may be able to use, by their names on the hub; the other models there are left out. */
export async function cachedModels(hubHome: string): Promise<Map<string, string>> {
  const hub = path.join(hubHome, 'hub')
  const found = new Map<string, string>()
  for (const entry of await readdir(hub).catch(() => [])) {
    if (!entry.startsWith(prefix)) continue
    const folder = await snapshotOf(path.join(hub, entry))
    if (folder && isCandidate(folder)) found.set(entry.slice(prefix.length).replaceAll('--', '/'), folder)
  }
  return found
}

/** The files of the main branch as they were last downloaded; null where another branch was. */
async function snapshotOf(repository: string): Promise<string | null> {
  const commit = await readFile(path.join(repository, 'refs', 'main'), 'utf8').catch(() => null)
  return commit && path.join(repository, 'snapshots', commit.trim())
}

function isCandidate(folder: string): boolean {
  const exists = (file: string) => existsSync(path.join(folder, file))
  return (
    (exists('config.json') || exists('open_clip_config.json')) &&
    exists('tokenizer.json') &&
    exists('tokenizer_config.json') &&
    pickGraphs(exists) !== null
  )
}
