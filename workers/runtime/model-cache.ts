/** What a cache needs to know of a model. */
interface Named {
  name: string
}

interface Entry<T> {
  loading: Promise<T>
  /** Null while it is being made. */
  value: T | null
  /** Callers that hold it now, and when the last one let go. */
  users: number
  lastUsed: number
  /** Another has its place: it closes when its last user has gone. */
  replaced: boolean
}

export interface ModelCacheOptions<Spec, T> {
  load(spec: Spec): Promise<T>
  /** What was not asked for so long is closed. */
  idleMs: number
  /** Models whose slot is never idle. */
  isPinned(name: string): boolean
  onClosed(name: string): void
}

/** Something heavy for each model: made when first asked for, closed when idle. */
export class ModelCache<Spec extends Named, T extends { close(): Promise<void> }> {
  readonly #options: ModelCacheOptions<Spec, T>
  readonly #entries = new Map<string, Entry<T>>()
  readonly #sweep: NodeJS.Timeout

  constructor(options: ModelCacheOptions<Spec, T>) {
    this.#options = options
    const every = Math.max(50, Math.min(30_000, options.idleMs / 4))
    this.#sweep = setInterval(() => this.#closeIdle(), every).unref()
  }

  /** Holds it for as long as `use` runs. */
  async with<R>(spec: Spec, use: (value: T) => Promise<R>): Promise<R> {
    const slot = this.#entry(spec)
    slot.users++
    try {
      return await use(await slot.loading)
    } finally {
      slot.users--
      slot.lastUsed = performance.now()
      if (slot.replaced && slot.users === 0) void slot.value?.close()
    }
  }

  /** Makes anew what is there, and lets go of the old when the new one stands. @throws what making throws: the old stays */
  async replace(spec: Spec): Promise<void> {
    const old = this.#entries.get(spec.name)
    if (!old) return
    const value = await this.#options.load(spec)
    // It may have been closed meanwhile, or have failed.
    if (this.#entries.get(spec.name) !== old) return value.close()
    const loading = Promise.resolve(value)
    this.#entries.set(spec.name, { loading, value, users: 0, lastUsed: performance.now(), replaced: false })
    old.replaced = true
    if (old.users === 0) await old.value?.close()
  }

  /** What is there already. */
  peek(name: string): T | null {
    return this.#entries.get(name)?.value ?? null
  }

  *values(): Iterable<T> {
    for (const { value } of this.#entries.values()) if (value) yield value
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep)
    const slots = [...this.#entries.values()]
    this.#entries.clear()
    await Promise.all(slots.map(async ({ loading }) => (await loading.catch(() => null))?.close()))
  }

  #entry(spec: Spec): Entry<T> {
    const held = this.#entries.get(spec.name)
    if (held) return held
    const slot: Entry<T> = {
      loading: this.#options.load(spec),
      value: null,
      users: 0,
      lastUsed: performance.now(),
      replaced: false,
    }
    slot.loading.then(
      (value) => {
        slot.value = value
      },
      // The next caller tries again.
      () => {
        if (this.#entries.get(spec.name) === slot) this.#entries.delete(spec.name)
      },
    )
    this.#entries.set(spec.name, slot)
    return slot
  }

  #closeIdle(): void {
    const { idleMs, isPinned, onClosed } = this.#options
    for (const [name, slot] of this.#entries) {
      const idle = slot.value && slot.users === 0 && performance.now() - slot.lastUsed > idleMs
      if (!idle || isPinned(name)) continue
      this.#entries.delete(name)
      void slot.value!.close()
      onClosed(name)
    }
  }
}
