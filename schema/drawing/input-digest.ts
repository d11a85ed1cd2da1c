/** Tells one input of an operation from another, files and all. */

/**
 * SHA-256 over an input as the resolver has it; the order of its fields does not matter, and null is as absent. Large texts
 * and files are digested apart, off the event loop.
 */
export async function inputDigest(input: object): Promise<string> {
  return digest(Buffer.from(JSON.stringify(await canonical(input))))
}

/** The longest text that stands for itself. */
const longText = 1000

async function canonical(value: unknown): Promise<unknown> {
  if (typeof value === 'string')
    return value.length <= longText ? value : { text: await digest(Buffer.from(value)) }
  if (typeof value !== 'object' || value === null) return value ?? null
  if (isFile(value)) return { file: await digest(await value.bytes()) }
  if (value instanceof URL || value instanceof Date) return value.toJSON()
  if (Array.isArray(value)) return Promise.all(value.map(canonical))
  const given = Object.entries(value).filter(([, one]) => one != null)
  given.sort(([a], [b]) => (a < b ? -1 : 1))
  // Pairs: a key may be "__proto__".
  return Promise.all(given.map(async ([key, one]) => [key, await canonical(one)]))
}

const isFile = (value: object): value is Pick<File, 'bytes'> =>
  typeof (value as Partial<File>).bytes === 'function'

async function digest(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Buffer.from(hash).toString('hex')
}
