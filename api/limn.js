#!/usr/bin/env node
// The npm bin. Limn needs Node 24 and brings it as the package `node`: whatever Node runs this starts that one.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

function ownNode() {
  try {
    const folder = path.dirname(createRequire(import.meta.url).resolve('node/package.json'))
    return path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  } catch {
    if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
    console.error(
      `Limn needs Node 24, this is ${process.version}, and the npm package "node" is missing. Run npm ci.`,
    )
    process.exit(1)
  }
}

// glibc keeps what reading a model's file took, as big as the model, unless large pieces are mapped apart.
const env = { MALLOC_MMAP_THRESHOLD_: String(2 ** 20), ...process.env }
// Set by `node --watch` (npm run dev). Processes that Limn forks would send their imports to it in place of answers.
delete env.WATCH_REPORT_DEPENDENCIES
// With a larger young generation V8 looks through the whole heap after every few uploads, as their bytes count for the
// old one and what the young one may grow to is taken off its limit.
const flags = ['--max-semi-space-size=4']
const script = fileURLToPath(new URL('./limn.ts', import.meta.url))
const child = spawn(ownNode(), [...flags, script, ...process.argv.slice(2)], { stdio: 'inherit', env })

// A terminal's Ctrl-C reaches the child by itself; what is sent to this process alone is passed on.
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'])
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })

child.on('error', (error) => {
  console.error(`Cannot start Node 24: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(signal ? 128 + os.constants.signals[signal] : code))
