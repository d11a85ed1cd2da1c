import { serverKey } from '../access/keys.ts'
import { readConfig } from '../config.ts'

/** Prints the key alone, so that a script can take it. */
export async function keysCommand(args: string[]): Promise<number> {
  if (args.length > 0) {
    console.log('limn keys: shows the key of this server (LIMN_API_KEY, or the one kept in LIMN_HOME/key).')
    return args[0] === '--help' ? 0 : 2
  }
  console.log(serverKey(readConfig(process.env).config))
  return 0
}
