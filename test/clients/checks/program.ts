/** Programs of this machine and of the checkout. */
import { execFile, execFileSync } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'

/** Why a program cannot be tried here; undefined where it can. */
export function missing(program: string): string | undefined {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
  } catch {
    return `there is no ${program} here`
  }
}

/** Checks the types of a folder that has a tsconfig.json. @throws with what the compiler says */
export async function compile(folder: string): Promise<void> {
  const tsc = path.resolve('node_modules/typescript/bin/tsc')
  await promisify(execFile)(process.execPath, [tsc, '--noEmit', '-p', folder]).catch(({ stdout }) => {
    throw new Error(stdout)
  })
}
