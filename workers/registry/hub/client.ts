/** The two calls of the model hub that Limn needs: the list of a model's files, and the bytes of a file from an offset on. */
import { setTimeout as sleep } from 'node:timers/promises'

/** A model cannot be had from the hub; the message says why and what to do. */
export class HubError extends Error {
  override readonly name = 'HubError'
  /** Whether another try may succeed: the line was cut, the hub is busy. */
  readonly transient: boolean
  constructor(message: string, { transient = false, cause }: { transient?: boolean; cause?: unknown } = {}) {
    super(message, { cause })
    this.transient = transient
  }
}

export interface HubFile {
  /** Path inside the model's repository. */
  path: string
  /** Bytes. */
  size: number
  /** `sha256` of the content for files in large-file storage, `git` (SHA-1 over git's blob header and content) else. */
  digest: { kind: 'sha256' | 'git'; hex: string }
}

interface TreeEntry {
  type: string
  path: string
  size: number
  oid: string
  lfs?: { oid: string; size: number }
}

export interface HubOptions {
  hubUrl: string
  /** Access token for private and gated models; sent to the hub's own origin alone, not to where it redirects. */
  token?: string
  signal?: AbortSignal
  /** How many times in a row a call is tried again without any progress. */
  retries?: number
  /** Wait before the first retry; it doubles, up to 20 s. */
  retryDelayMs?: number
  /** The client gives up a connection that brings no byte for so long. */
  stallMs?: number
}

export class Hub {
  readonly #options: Required<Omit<HubOptions, 'signal' | 'token'>> & Pick<HubOptions, 'signal' | 'token'>

  constructor(options: HubOptions) {
    this.#options = { retries: 5, retryDelayMs: 500, stallMs: 30_000, ...options }
  }

  /** Every file of the model's main branch. @throws HubError */
  async files(model: string): Promise<HubFile[]> {
    const { hubUrl } = this.#options
    const files: HubFile[] = []
    let address: string | null = `${hubUrl}/api/models/${model}/tree/main?recursive=true`
    while (address) {
      const page: string = address
      const { entries, next } = await this.retried(async () => {
        const response = await this.#get(page, model)
        return {
          entries: (await response.json()) as TreeEntry[],
          next: response.headers.get('link')?.match(/<([^>]+)>;\s*rel="next"/)?.[1],
        }
      })
      for (const { type, path, size, oid, lfs } of entries)
        if (type === 'file')
          files.push({
            path,
            size: lfs?.size ?? size,
            digest: lfs ? { kind: 'sha256', hex: lfs.oid } : { kind: 'git', hex: oid },
          })
      address = next ? new URL(next, page).href : null
    }
    return files
  }

  /**
   * The bytes of a file from `offset` on. `resumed` is false where the hub sends the whole file instead.
   * Each chunk must come within the stall time. No retries here: the caller knows how far it came.
   */
  async open(
    model: string,
    file: string,
    offset: number,
  ): Promise<{ resumed: boolean; chunks: AsyncGenerator<Uint8Array> }> {
    const address = `${this.#options.hubUrl}/${model}/resolve/main/${file.split('/').map(encodeURIComponent).join('/')}`
    const stall = new AbortController()
    const response = await this.#get(address, model, {
      headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
      stall,
    })
    return { resumed: response.status === 206, chunks: this.#chunks(response, stall) }
  }

  /** Retries work that fails for a transient reason, with growing waits. `progressed` starts the count anew. @throws HubError */
  async retried<T>(work: () => Promise<T>, progressed: () => boolean = () => false): Promise<T> {
    const { retries, retryDelayMs, signal } = this.#options
    for (let failures = 0; ; failures++) {
      try {
        return await work()
      } catch (error) {
        signal?.throwIfAborted()
        const transient = error instanceof HubError && error.transient
        if (progressed()) failures = 0
        if (!transient || failures >= retries) throw error
        await sleep(Math.min(20_000, retryDelayMs * 2 ** failures), undefined, { signal })
      }
    }
  }

  async *#chunks(response: Response, stall: AbortController): AsyncGenerator<Uint8Array> {
    const { stallMs } = this.#options
    let timer = setTimeout(() => stall.abort(), stallMs)
    try {
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer)
        yield chunk as Uint8Array
        timer = setTimeout(() => stall.abort(), stallMs)
      }
    } catch (error) {
      throw this.#unreachable(error)
    } finally {
      clearTimeout(timer)
      stall.abort()
    }
  }

  async #get(
    address: string,
    model: string,
    {
      headers = {},
      stall = new AbortController(),
    }: { headers?: Record<string, string>; stall?: AbortController } = {},
  ): Promise<Response> {
    const { signal, stallMs, hubUrl, token } = this.#options
    // A page of the list names the next one: it could be anywhere. fetch itself drops the header where a redirect leaves the origin.
    const trusted = token !== undefined && new URL(address).origin === new URL(hubUrl).origin
    const timer = setTimeout(() => stall.abort(), stallMs)
    // Compressed transfers would make Range count other bytes than ours.
    const response = await fetch(address, {
      headers: {
        'accept-encoding': 'identity',
        ...(trusted && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      signal: AbortSignal.any([stall.signal, ...(signal ? [signal] : [])]),
    }).catch((error) => {
      throw this.#unreachable(error)
    })
    clearTimeout(timer)
    if (response.ok) return response
    await response.body?.cancel()
    throw refused(response.status, model, this.#options)
  }

  #unreachable(error: unknown): unknown {
    const { signal, hubUrl, stallMs } = this.#options
    if (signal?.aborted || error instanceof HubError) return error
    const { message, cause, name } = error as Error
    const reason =
      name === 'AbortError'
        ? `nothing came for ${stallMs / 1000} s`
        : ((cause as { code?: string } | undefined)?.code ?? message)
    return new HubError(
      `The model hub ${hubUrl} cannot be reached (${reason}). Check the connection, or set LIMN_HUB_URL to a mirror; what has been loaded is kept, and the same command goes on from there.`,
      { transient: true, cause: error },
    )
  }
}

function refused(
  status: number,
  model: string,
  { hubUrl, token }: Pick<HubOptions, 'hubUrl' | 'token'>,
): HubError {
  if (status === 404)
    return new HubError(
      `There is no model "${model}" on ${hubUrl}. Names look like OWNER/MODEL and count capitals.`,
    )
  if (status === 401 || status === 403)
    return new HubError(
      token === undefined
        ? `${hubUrl} does not give out "${model}" (status ${status}): it is private or gated, or there is none of this name. Set HF_TOKEN to an access token that may read it, or copy the folder to LIMN_HOME/models/${model} by hand.`
        : `${hubUrl} does not give out "${model}" to the owner of HF_TOKEN (status ${status}). Accept the model's terms at ${hubUrl}/${model}, or set HF_TOKEN to a token that may read it.`,
    )
  return new HubError(`${hubUrl} answered with status ${status} for "${model}".`, {
    transient: status === 408 || status === 416 || status === 429 || status >= 500,
  })
}
