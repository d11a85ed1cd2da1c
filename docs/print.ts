/**
 * `npm run docs`: writes the pages and pictures of docs/ that follow from the code. A test holds them to it
 * (test/unit/docs.test.ts).
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { settings } from '../api/config.ts'
import { statusOf } from '../schema/core/errors.ts'
import { itemErrorCodes, type RequestErrorCode, requestErrorCodes } from '../workers/errors.ts'
import { clientPages } from './clients/embed.ts'
import { imageWay } from './images/image-way.ts'
import { roomsPicture } from './images/rooms.ts'

const root = path.resolve(import.meta.dirname, '..')

/** Every generated file, by its path below docs/. */
export function generatedDocs(): Record<string, string> {
  return {
    'reference/settings.md': settingsPage(),
    'reference/cli.md': cliPage(),
    'reference/errors.md': errorsPage(),
    'images/rooms.svg': roomsPicture(root),
    'images/image-way.svg': imageWay(),
    ...clientPages(root),
  }
}

const note = '<!-- Written by `npm run docs`: change the code, not this page. -->\n\n'

const cell = (text: string) => text.replaceAll('|', '\\|')

function settingsPage(): string {
  const rows = settings.map(({ name, shows, help, flag }) => {
    const flags = flag === undefined ? '' : `, \`--${flag}\``
    return `| \`${name}\`${flags} | ${cell(shows)} | ${cell(help)} |`
  })
  return `${note}# Settings

Every setting is an environment variable, read once at the start; three are flags of \`limn serve\` too. Flags win over the
environment, and the environment over the lines of a file \`.env\` in the current folder. An empty variable counts as absent.
A setting that cannot be used ends the start, with all problems told at once; an unknown \`LIMN_\` variable is warned of.

| variable | when absent | what it sets |
| --- | --- | --- |
${rows.join('\n')}
`
}

function cliPage(): string {
  const limn = (...args: string[]) =>
    execFileSync(process.execPath, ['api/limn.ts', ...args], {
      cwd: root,
      encoding: 'utf8',
      // No variable of this machine shows in the page.
      env: { PATH: process.env.PATH },
    }).trimEnd()
  const usage = limn('--help').replace(/^limn \S+: /, 'limn: ')
  const commands = [...usage.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name!)
  const pages = commands.map((name) => {
    // The settings have a page of their own.
    const [help] = limn(name, '--help').split('\n\nSettings are environment variables')
    const more = name === 'serve' ? '\n\nAll settings: [settings.md](settings.md).' : ''
    return `## limn ${name}\n\n\`\`\`text\n${help}\n\`\`\`${more}`
  })
  return `${note}# Commands

In a checkout: \`npm run limn -- COMMAND ...\`; from npm: \`npx limn COMMAND ...\`.

\`\`\`text
${usage}
\`\`\`

${pages.join('\n\n')}
`
}

function errorsPage(): string {
  const requests = (Object.entries(requestErrorCodes) as [RequestErrorCode, string][]).map(
    ([code, meaning]) => `| \`${code}\` | ${statusOf[code]} | ${cell(meaning)} |`,
  )
  const items = Object.entries(itemErrorCodes).map(([code, meaning]) => `| \`${code}\` | ${cell(meaning)} |`)
  return `${note}# Errors

Two tiers, always ([why](../decisions/two-tiers-of-errors.md)).

## A whole request

A GraphQL error with \`extensions.code\`. Where they are known, \`extensions.argument\` names the argument, \`limit\` and
\`given\` are the limit that was passed and the number that passed it, and \`retryAfterMs\` (with the header \`Retry-After\`)
says when to come back.

| code | HTTP status | when |
| --- | --- | --- |
${requests.join('\n')}

An error takes only its own field: the other fields are answered. The status follows the draft of GraphQL over HTTP: it is
that of the code where the request could not be executed (always 200 for a wrong document or wrong variables when the answer
is \`application/json\`), and 200 once it was executed, whatever the errors of its fields are. Two kinds of error keep their
status when no root field succeeded: those of the server (5xx) and refused access (401, 403).

A client that accepts nothing but \`text/event-stream\` gets its errors as events, with the status 200. What a server cannot
do before GraphQL begins keeps its status of 5xx there too: such clients then try again.

A request of a media type or encoding that is not read has status 415, one that accepts no type that Limn writes 406. A
database that does not answer gives 503 with the code \`INTERNAL\`, one that has too much to do (connections, time, locks)
503 with \`OVERLOADED\`, both with \`retryAfterMs\`; a full disk gives 507 with \`INTERNAL\`.

## The input of a mutation

Data: \`userErrors\` of its payload, empty when all was done. \`field\` is the path of the argument, \`code\` one of those below.

## One item of a list

Data of the type \`InputError\`: \`index\` is the item's place in the request, \`code\` one of these, \`message\` what to do. The
other items are answered.

| code | when |
| --- | --- |
${items.join('\n')}
`
}

if (import.meta.main) {
  for (const [file, text] of Object.entries(generatedDocs())) {
    const target = path.join(root, 'docs', file)
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, text)
    console.log(`docs/${file}`)
  }
}
