#!/usr/bin/env node
/**
 * The npm bin. Limn needs Node 24 or later: this file runs on older ones too and starts the one that runs it, else the
 * one that npm brought for this platform. What it starts is limn.ts in a checkout; Node strips no types below
 * node_modules, so the package from npm has dist/api/limn.js instead.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const oldest = 24

/** The binary of the npm package that holds Node for this platform; null where there is none. No install script is needed. */
function packagedNode() {
  const require = createRequire(import.meta.url)
  const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  for (const name of [`node-${platform}`, `node-bin-${platform}`])
    try {
      const manifest = require.resolve(`${name}/package.json`)
      const binary = path.resolve(path.dirname(manifest), require(manifest).bin.node)
      if (existsSync(binary)) return binary
    } catch {
      // Not installed: npm leaves the packages of other platforms out.
    }
  return null
}

const node = Number(process.versions.node.split('.')[0]) >= oldest ? process.execPath : packagedNode()
if (node === null) {
  console.error(
    `Limn needs Node ${oldest} or later; this is ${process.version}, and npm brought no other for ${process.platform}-${process.arch}. Install Node ${oldest}, or install again without --omit=optional.`,
  )
  process.exit(1)
}

// glibc keeps what reading a model's file took, as big as the model, unless large pieces are mapped apart.
const env = { MALLOC_MMAP_THRESHOLD_: String(2 ** 20), ...process.env }
// Set by `node --watch` (npm run dev). Processes that Limn forks would send their imports to it in place of answers.
delete env.WATCH_REPORT_DEPENDENCIES
const flags = [
  // With a larger young generation V8 looks through the whole heap after every few uploads, as their bytes count for the
  // old one and what the young one may grow to is taken off its limit.
  '--max-semi-space-size=4',
  // Settings in the current folder; the environment wins over them. The flag for a file that may be missing reports that.
  ...(existsSync('.env') ? ['--env-file=.env'] : []),
]
const source = fileURLToPath(new URL('./limn.ts', import.meta.url))
const script = existsSync(source) ? source : fileURLToPath(new URL('../dist/api/limn.js', import.meta.url))
const child = spawn(node, [...flags, script, ...process.argv.slice(2)], { stdio: 'inherit', env })

// A terminal's Ctrl-C reaches the child by itself; what is sent to this process alone is passed on.
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'])
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })

child.on('error', (error) => {
  console.error(`Cannot start ${node}: ${error.message}. Install Node ${oldest} or later.`)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(signal ? 128 + os.constants.signals[signal] : code))
