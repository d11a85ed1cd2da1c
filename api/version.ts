import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** Of this installation; each answer carries it in `x-limn-version`. */
export const version: string = JSON.parse(readFileSync(findPackageJSON(import.meta.url)!, 'utf8')).version
