interface Entry<T> {
  loading: Promise<T>
  /** Null while it loads. */
  value: T | null
  /** Callers that use it now. */
  users: number
  /** Milliseconds; when the last user left. */
  lastUsed: number
  /** A newer one has taken its place: it closes when its last user leaves. */
  replaced: boolean
}

export interface ModelCacheOptions<Spec, T> {
  load(spec: Spec): Promise<T>
  /** An entry that nobody used for this long is closed. */
  idleMs: number
  /** Models that stay in memory however long nobody uses them. */
  isPinned(name: string): boolean
  onClosed(name: string): void
}

/** Something heavy for each model, counted by its users: loaded when first used, closed when idle. */
export class ModelCache<Spec extends { name: string }, T extends { close(): Promise<void> }> {
  readonly #options: ModelCacheOptions<Spec, T>
  readonly #entries = new Map<string, Entry<T>>()
  readonly #sweep: NodeJS.Timeout

  constructor(options: ModelCacheOptions<Spec, T>) {
    this.#options = options
    const intervalMs = Math.max(50, Math.min(30_000, options.idleMs / 4))
    this.#sweep = setInterval(() => this.#closeIdle(), intervalMs).unref()
  }

  /** Keeps the entry open for as long as `use` runs. @throws what loading throws */
  async with<R>(spec: Spec, use: (value: T) => Promise<R>): Promise<R> {
    const entry = this.#entry(spec)
    entry.users++
    try {
      return await use(await entry.loading)
    } finally {
      entry.users--
      entry.lastUsed = performance.now()
      if (entry.replaced && entry.users === 0) void entry.value?.close()
    }
  }

  /**
   * Loads a model that is in memory anew; the old entry serves until the new one is loaded.
   * @throws what loading throws: the old entry stays
   */
  async replace(spec: Spec): Promise<void> {
    const old = this.#entries.get(spec.name)
    if (!old) return
    const value = await this.#options.load(spec)
    // The old entry may have been closed meanwhile, or have failed.
    if (this.#entries.get(spec.name) !== old) return value.close()
    const loading = Promise.resolve(value)
    this.#entries.set(spec.name, { loading, value, users: 0, lastUsed: performance.now(), replaced: false })
    old.replaced = true
    if (old.users === 0) await old.value?.close()
  }

  /** The entry's value, when it is loaded. */
  peek(name: string): T | null {
    return this.#entries.get(name)?.value ?? null
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep)
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    await Promise.all(entries.map(async ({ loading }) => (await loading.catch(() => null))?.close()))
  }

  #entry(spec: Spec): Entry<T> {
    const known = this.#entries.get(spec.name)
    if (known) return known
    const entry: Entry<T> = {
      loading: this.#options.load(spec),
      value: null,
      users: 0,
      lastUsed: performance.now(),
      replaced: false,
    }
    entry.loading.then(
      (value) => {
        entry.value = value
      },
      // The next caller loads again.
      () => {
        if (this.#entries.get(spec.name) === entry) this.#entries.delete(spec.name)
      },
    )
    this.#entries.set(spec.name, entry)
    return entry
  }

  #closeIdle(): void {
    const { idleMs, isPinned, onClosed } = this.#options
    for (const [name, entry] of this.#entries) {
      const idle = entry.value && entry.users === 0 && performance.now() - entry.lastUsed > idleMs
      if (!idle || isPinned(name)) continue
      this.#entries.delete(name)
      void entry.value!.close()
      onClosed(name)
    }
  }
}
