/** Names of files as bytes: a name on Linux is any bytes, and most old ones that are not UTF-8 are Latin-1. */

const utf8 = new TextDecoder('utf-8', { fatal: true })
const latin1 = new TextDecoder('windows-1252')

/** A name as people read it. */
export function legible(name: Buffer): string {
  try {
    return utf8.decode(name)
  } catch {
    return latin1.decode(name)
  }
}

/** A path for a terminal: a line break or an escape code in a name does nothing there. */
export const printable = (path: string): string => path.replace(/\p{Cc}/gu, '?')

/** Files and folders that systems and programs make for themselves, in lower case. */
const systemNames = new Set([
  '#recycle',
  '#snapshot',
  '$recycle.bin',
  '@eadir',
  '@recently-snapshot',
  '@recycle',
  '@tmp',
  '__macosx',
  'desktop.ini',
  'ehthumbs.db',
  'icon\r',
  'lost+found',
  'node_modules',
  'recycler',
  'system volume information',
  'thumbs.db',
])

/** Why a file or folder is left out by its name alone; null for one that is not. */
export function reasonToSkip(name: string): string | null {
  if (systemNames.has(name.toLowerCase())) return 'of the system'
  return name.startsWith('.') ? 'hidden' : null
}
