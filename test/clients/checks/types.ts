/** Every file here by the compiler: the pages' files have the types of the real clients, and of what their tools write. */
import path from 'node:path'
import type { Client } from './check.ts'
import { compile } from './program.ts'

export default {
  checks: { 'of all files': () => compile(path.resolve('test/clients')) },
} satisfies Client
