/** Puts the files that the pages of docs/clients name into them, so that a page shows what the test of the clients runs. */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The mark, and the code that an earlier run has put below it. */
const mark = /^<!-- code: (\S+) -->\n(?:```.*?\n```\n)?/gms

const languages: Readonly<Record<string, string>> = { '.py': 'python' }

/** Every page with the files as they are now, by its path below docs/. */
export function clientPages(root: string): Record<string, string> {
  const pages = globSync('docs/clients/*.md', { cwd: root }).sort()
  return Object.fromEntries(
    pages.map((page) => {
      const text = readFileSync(path.join(root, page), 'utf8')
      return [path.relative('docs', page), text.replaceAll(mark, (_, file) => block(root, file))]
    }),
  )
}

function block(root: string, file: string): string {
  const code = readFileSync(path.join(root, file), 'utf8')
  const ending = path.extname(file)
  return `<!-- code: ${file} -->\n\`\`\`${languages[ending] ?? ending.slice(1)}\n${code.trimEnd()}\n\`\`\`\n`
}
