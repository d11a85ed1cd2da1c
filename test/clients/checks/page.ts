/** Runs the last file of a page of docs/clients as its reader does. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { isScore, type Limn, newImage, party } from './limn.ts'

const run = promisify(execFile)

/** @throws unless the lines are the first results for "birthday party", as the programs print them */
export function printsResults(limn: Limn, lines: readonly string[]): void {
  for (const [n, line] of lines.entries()) {
    const [score, name] = line.split(' ')
    assert.equal(name, party[n])
    assert.ok(isScore(limn, name!, Number(score)), line)
  }
}

/**
 * Every page's program prints the first six results for "birthday party", adds the images that it is given, and draws a
 * heart into heart.svg. It gets an image, and a README that is none.
 * @param args the program, below test/clients, and what stands before it
 */
export async function pageWorks(limn: Limn, command: string, args: readonly string[]): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limn-page-'))
  try {
    const image = await newImage('mine.png')
    writeFileSync(path.join(folder, image.name), await image.bytes())
    const program = path.resolve('test/clients', args.at(-1)!)
    const images = [image.name, path.resolve('README.md')]
    const { stdout } = await run(command, [...args.slice(0, -1), program, ...images], {
      cwd: folder,
      env: { ...process.env, LIMN_URL: limn.graphql, LIMN_KEY: limn.key },
    })
    const printed = stdout.trimEnd().split('\n')
    printsResults(limn, printed.slice(0, 6))
    assert.match(printed[6]!, /^added asset_\w+$/)
    assert.match(printed[7]!, /^This is not an image/)
    assert.equal(printed.at(-2), 'step 20 of 20')
    assert.equal(printed.at(-1), 'DONE heart.svg')
    assert.match(readFileSync(path.join(folder, 'heart.svg'), 'utf8'), /^<svg /)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
