/** A version that follows from the code itself: files that other code made are told from its own. */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The texts of modules by their path without extension: those named, and all in the folders named. */
export function readSources(root: string, names: readonly string[]): Map<string, string> {
  return new Map(
    names.flatMap((name) => {
      // A package holds the same modules as JavaScript, with declarations beside.
      const files = globSync([`${name}.{ts,js}`, `${name}/**/*.{ts,js}`], {
        cwd: root,
        exclude: ['**/*.d.ts'],
      })
      if (files.length === 0) throw new Error(`No source of ${name} in ${root}. This is a bug.`)
      return files.map((file) => [
        file.replaceAll(path.sep, '/').replace(/\.[jt]s$/, ''),
        readFileSync(path.join(root, file), 'utf8'),
      ])
    }),
  )
}

/** A short digest of sources, in whatever order they come. */
export function sourceDigest(sources: ReadonlyMap<string, string>): string {
  const sorted = [...sources].sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 12)
}
