import { readFileSync } from 'node:fs'
import path from 'node:path'

const manifest = path.join(import.meta.dirname, '..', 'package.json')

/** Of this installation; each answer carries it in `x-limn-version`. */
export const version: string = JSON.parse(readFileSync(manifest, 'utf8')).version
