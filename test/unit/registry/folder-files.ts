/** Model folders of a test, and a registry over them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { ModelRegistry } from '../../../workers/registry/registry.ts'
import type { ModelSpec } from '../../../workers/registry/spec.ts'

export type Files = Record<string, object | string | Uint8Array>

export class TestFolder {
  readonly root: string
  readonly #home: string
  private constructor(home: string) {
    this.#home = home
    this.root = path.join(home, 'models', 'model')
  }

  static async make(files: Files): Promise<TestFolder> {
    const folder = new TestFolder(await mkdtemp(path.join(os.tmpdir(), 'limn-folder-')))
    await folder.write(files)
    return folder
  }

  async write(files: Files): Promise<void> {
    for (const [file, content] of Object.entries(files)) {
      const target = path.join(this.root, file)
      await mkdir(path.dirname(target), { recursive: true })
      const plain = typeof content === 'string' || content instanceof Uint8Array
      await writeFile(target, plain ? content : JSON.stringify(content))
    }
  }

  /** Read anew each time. @throws ModelFolderError */
  spec(): Promise<ModelSpec> {
    return new ModelRegistry({
      bundledFolder: path.join(this.#home, 'none'),
      homeFolder: path.join(this.#home, 'models'),
      cacheFolder: path.join(this.#home, 'cache'),
      defaultModel: 'model',
    }).get()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#home, { recursive: true, force: true })
  }
}
