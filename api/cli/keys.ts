import { readLock } from '../../prisma/home-lock.ts'
import { readKey } from '../access/keys.ts'
import { readConfig } from '../config.ts'
import { commandLine, complain, say } from './shared/usage.ts'

const usage = `limn keys: shows the key of this server (LIMN_API_KEY, or the one kept in LIMN_HOME/key), and on standard error whose it
is. It makes none: the server does at its first start.`

/** Prints the key alone on standard output, so that a script can take it. */
export async function keysCommand(args: string[]): Promise<number> {
  if (args.length > 0) return args[0] === '--help' ? say(usage, 0) : complain(usage, 2)
  const { config } = readConfig(process.env)
  const key = readKey(config)
  if (key === null)
    return complain(
      `There is no key in ${config.home} (LIMN_HOME): a server makes it at its first start (${commandLine('serve')}). Set LIMN_HOME where the server has another data folder, or LIMN_API_KEY to a key of your own.`,
      1,
    )
  const running = readLock(config.home)
  const address = running?.alive && running.url ? `running at ${running.url}` : 'not running'
  console.error(`The key of the server of ${config.home} (LIMN_HOME), ${address}:`)
  console.log(key)
  return 0
}
