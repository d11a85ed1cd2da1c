/** Assembles resample.wat into resample.wasm: `npm run wasm`. A test compares them. */
import { readFileSync, writeFileSync } from 'node:fs'
import wabt from 'wabt'

const simd = { simd: true }

export async function assemble(): Promise<Uint8Array> {
  const text = readFileSync(new URL('./resample.wat', import.meta.url), 'utf8')
  const module = (await wabt()).parseWat('resample.wat', text, simd)
  module.validate()
  return module.toBinary({}).buffer
}

if (import.meta.main) writeFileSync(new URL('./resample.wasm', import.meta.url), await assemble())
