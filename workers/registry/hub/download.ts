/** One file of a model, from the hub to the disk, with every byte checked. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { copyFile, link, mkdir, open, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Hub, HubError, type HubFile } from './client.ts'

export interface Download {
  hub: Hub
  model: string
  file: HubFile
  /** Folder of drafts, where an earlier pull may have left a part of the file. */
  partial: string
  /** Folder of the finished model, where an older version may have the same file. */
  target: string
  onProgress(received: number): void
}

/** Downloads a file from where an earlier pull left it until it has the hub's digest. @throws HubError */
export async function download(options: Download): Promise<void> {
  const { model, file, partial, target } = options
  const draft = path.join(partial, file.path)
  await mkdir(path.dirname(draft), { recursive: true })
  if (!existsSync(draft)) await reuse(path.join(target, file.path), draft, file)
  // A draft of an older version does not have the digest: then one more try from the beginning.
  for (const fresh of [(await sizeOf(draft)) === 0, true]) {
    if ((await sizeOf(draft)) > file.size) await rm(draft)
    await fetchRest(options, draft)
    if (await intact(draft, file)) return
    await rm(draft)
    if (fresh) break
  }
  throw new HubError(
    `${file.path} of "${model}" does not have the checksum that the hub states (${file.digest.hex.slice(0, 12)}...). It was thrown away; try again, and if it happens again the hub's or a proxy's copy is damaged.`,
  )
}

async function fetchRest({ hub, model, file, onProgress }: Download, draft: string): Promise<void> {
  let received = await sizeOf(draft)
  let before = received
  onProgress(received)
  const attempt = async () => {
    before = received
    if (received >= file.size && existsSync(draft)) return
    const { resumed, chunks } = await hub.open(model, file.path, received)
    if (!resumed) received = 0
    const handle = await open(draft, resumed ? 'r+' : 'w')
    try {
      for await (const chunk of chunks) {
        if (received + chunk.length > file.size)
          throw new HubError(
            `${file.path} of "${model}" is longer than the ${file.size} bytes that the hub states.`,
          )
        await handle.write(chunk, 0, chunk.length, received)
        received += chunk.length
        onProgress(received)
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (received < file.size)
      throw new HubError(`The connection was cut after ${received} of ${file.size} bytes of ${file.path}.`, {
        transient: true,
      })
  }
  await hub.retried(attempt, () => received > before)
}

/** An update takes over the files that it already has. */
async function reuse(existing: string, draft: string, file: HubFile): Promise<void> {
  if ((await sizeOf(existing)) !== file.size || !(await intact(existing, file))) return
  await link(existing, draft).catch(() => copyFile(existing, draft))
}

async function intact(draft: string, { size, digest }: HubFile): Promise<boolean> {
  if ((await sizeOf(draft)) !== size || !existsSync(draft)) return false
  const hash = digest.kind === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`)
  await pipeline(createReadStream(draft, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex') === digest.hex
}

/** Bytes of a file; 0 when it is not there. */
export const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )
