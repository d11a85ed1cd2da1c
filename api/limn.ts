#!/usr/bin/env node
import { version } from './version.ts'

/** A command gets what follows its name and returns the exit status. */
type Command = (args: string[]) => Promise<number>

const commands: Record<string, { help: string; load(): Promise<Command> }> = {
  serve: {
    help: 'start the server (serve --help lists the settings)',
    load: async () => (await import('./cli/serve.ts')).serveCommand,
  },
  import: {
    help: 'FOLDER: add a folder tree of images to the library',
    load: async () => (await import('./cli/import.ts')).importCommand,
  },
  search: {
    help: 'WORDS: find images of the library (--json for programs)',
    load: async () => (await import('./cli/search.ts')).searchCommand,
  },
  similar: {
    help: 'ID or FILE: find images that are like one',
    load: async () => (await import('./cli/similar.ts')).similarCommand,
  },
  tag: {
    help: 'ID...: give tags to images and take others from them, also to all that match a filter',
    load: async () => (await import('./cli/tag.ts')).tagCommand,
  },
  samples: {
    help: 'add | remove: the sample images that a new library begins with',
    load: async () => (await import('./cli/samples.ts')).samplesCommand,
  },
  draw: {
    help: 'PROMPT: have the server draw an image that matches it',
    load: async () => (await import('./cli/draw.ts')).drawCommand,
  },
  models: {
    help: 'ls | pull NAME | verify [NAME] | optimize NAME: the models of this server',
    load: async () => (await import('./cli/models.ts')).modelsCommand,
  },
  doctor: {
    help: 'check this installation (--json for programs)',
    load: async () => (await import('./cli/doctor.ts')).doctorCommand,
  },
  keys: {
    help: 'show the key that plugins and other pages need',
    load: async () => (await import('./cli/keys.ts')).keysCommand,
  },
}

function usage(): string {
  const lines = Object.entries(commands).map(([name, { help }]) => `  ${name.padEnd(8)}${help}`)
  return `limn ${version}: words and images in one space, as a GraphQL API\n\nlimn COMMAND\n${lines.join('\n')}\n`
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name === '--version' || name === '-v') {
    console.log(version)
    return 0
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(usage())
    return name === undefined ? 2 : 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    console.error(`There is no command "${name}".\n\n${usage()}`)
    return 2
  }
  return (await command.load())(args)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  // People read the message; the stack is for debugging.
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  console.error(process.env.LIMN_LOG_LEVEL === 'debug' ? stack : message)
  process.exitCode = 1
}
