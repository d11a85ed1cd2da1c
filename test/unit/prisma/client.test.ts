import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

/** All files below a folder, by their path in it. */
function contents(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return new Map(
    files.map((entry) => {
      const file = path.join(entry.parentPath, entry.name)
      return [path.relative(folder, file), readFileSync(file, 'utf8')]
    }),
  )
}

it.skipIf(process.env.LIMN_TEST_OFFLINE)('the committed client is what schema.prisma generates', () => {
  // Inside the checkout, where the generator finds its packages.
  const copy = mkdtempSync(path.resolve('node_modules', '.client-'))
  try {
    cpSync('prisma/schema.prisma', path.join(copy, 'schema.prisma'))
    // npm keeps the command in its cache: with Studio and React below it, it would be a third of the installation.
    const { version } = JSON.parse(readFileSync('node_modules/@prisma/client/package.json', 'utf8'))
    execFileSync(
      'npm',
      [
        ...['exec', '--yes', '--ignore-scripts', `--package=prisma@${version}`, '--'],
        ...['prisma', 'generate', '--schema', path.join(copy, 'schema.prisma')],
      ],
      // Any file will do: generating needs no engine, but would download one.
      {
        env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
        stdio: 'pipe',
      },
    )
    const generated = contents(path.join(copy, 'generated'))
    const committed = contents('prisma/generated')
    expect([...committed.keys()].sort()).toEqual([...generated.keys()].sort())
    for (const [file, text] of committed) expect(text, file).toBe(generated.get(file))
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
})
