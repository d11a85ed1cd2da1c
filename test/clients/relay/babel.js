/** node --import ./babel.js main.ts: what a bundler with Relay's Babel plugin does, for Node. */
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { transformSync } from '@babel/core'

const folder = new URL('.', import.meta.url).href

registerHooks({
  // The plugin leaves out the artifacts' ending.
  resolve: (specifier, context, next) =>
    next(specifier.endsWith('.graphql') ? `${specifier}.ts` : specifier, context),
  load(url, context, next) {
    const loaded = next(url, context)
    if (!url.startsWith(folder) || !url.endsWith('.ts') || url.includes('/node_modules/')) return loaded
    const plugins = ['@babel/plugin-syntax-typescript', 'relay']
    const { code } = transformSync(String(loaded.source), {
      filename: fileURLToPath(url),
      plugins,
      cwd: fileURLToPath(folder),
      babelrc: false,
      configFile: false,
    })
    return { ...loaded, source: code }
  },
})
