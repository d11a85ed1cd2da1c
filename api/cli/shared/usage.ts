/** How the commands report a command line that cannot be used: a message on stderr and exit status 2. */

/** The message says what to type instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A command that returns status 2 for a UsageError, and for an option that it does not know. */
export const withUsageErrors =
  <Args extends unknown[]>(command: (...args: Args) => Promise<number>) =>
  async (...args: Args): Promise<number> => {
    try {
      return await command(...args)
    } catch (error) {
      if (!(error instanceof UsageError || isParseError(error))) throw error
      return complain(error.message, 2)
    }
  }

/** Of util.parseArgs. */
const isParseError = (error: unknown): error is Error =>
  error instanceof Error && String((error as NodeJS.ErrnoException).code ?? '').startsWith('ERR_PARSE_ARGS')

export function say(text: string, status: number): number {
  console.log(text)
  return status
}

export function complain(text: string, status: number): number {
  console.error(text)
  return status
}

/** A command as people type it: in a checkout by npm's script, else by npx. */
export const commandLine = (command: string): string =>
  import.meta.filename.endsWith('.ts') ? `npm run limn -- ${command}` : `npx limn ${command}`
