import type { ModelSpec } from '../registry/spec.ts'

interface Slot<T> {
  made: Promise<T>
  /** Null while it is being made. */
  value: T | null
  /** Callers that hold it now, and when the last one let go. */
  users: number
  used: number
  /** Another has its place: it closes when its last user has gone. */
  replaced: boolean
}

export interface SlotsOptions<T> {
  make(spec: ModelSpec): Promise<T>
  /** What was not asked for so long is closed. */
  idleMs: number
  /** Models whose slot is never idle. */
  keep(name: string): boolean
  onClosed(name: string): void
}

/** Something heavy for each model: made when first asked for, closed when idle. */
export class Slots<T extends { close(): Promise<void> }> {
  readonly #options: SlotsOptions<T>
  readonly #slots = new Map<string, Slot<T>>()
  readonly #sweep: NodeJS.Timeout

  constructor(options: SlotsOptions<T>) {
    this.#options = options
    const every = Math.max(50, Math.min(30_000, options.idleMs / 4))
    this.#sweep = setInterval(() => this.#closeIdle(), every).unref()
  }

  /** Holds it for as long as `use` runs. */
  async with<R>(spec: ModelSpec, use: (value: T) => Promise<R>): Promise<R> {
    const slot = this.#slot(spec)
    slot.users++
    try {
      return await use(await slot.made)
    } finally {
      slot.users--
      slot.used = performance.now()
      if (slot.replaced && slot.users === 0) void slot.value?.close()
    }
  }

  /** Makes anew what is there, and lets go of the old when the new one stands. @throws what making throws: the old stays */
  async replace(spec: ModelSpec): Promise<void> {
    const old = this.#slots.get(spec.name)
    if (!old) return
    const value = await this.#options.make(spec)
    // It may have been closed meanwhile, or have failed.
    if (this.#slots.get(spec.name) !== old) return value.close()
    const made = Promise.resolve(value)
    this.#slots.set(spec.name, { made, value, users: 0, used: performance.now(), replaced: false })
    old.replaced = true
    if (old.users === 0) await old.value?.close()
  }

  /** What is there already. */
  peek(name: string): T | null {
    return this.#slots.get(name)?.value ?? null
  }

  *values(): Iterable<T> {
    for (const { value } of this.#slots.values()) if (value) yield value
  }

  async close(): Promise<void> {
    clearInterval(this.#sweep)
    const slots = [...this.#slots.values()]
    this.#slots.clear()
    await Promise.all(slots.map(async ({ made }) => (await made.catch(() => null))?.close()))
  }

  #slot(spec: ModelSpec): Slot<T> {
    const held = this.#slots.get(spec.name)
    if (held) return held
    const slot: Slot<T> = {
      made: this.#options.make(spec),
      value: null,
      users: 0,
      used: performance.now(),
      replaced: false,
    }
    slot.made.then(
      (value) => {
        slot.value = value
      },
      // The next caller tries again.
      () => {
        if (this.#slots.get(spec.name) === slot) this.#slots.delete(spec.name)
      },
    )
    this.#slots.set(spec.name, slot)
    return slot
  }

  #closeIdle(): void {
    const { idleMs, keep, onClosed } = this.#options
    for (const [name, slot] of this.#slots) {
      const idle = slot.value && slot.users === 0 && performance.now() - slot.used > idleMs
      if (!idle || keep(name)) continue
      this.#slots.delete(name)
      void slot.value!.close()
      onClosed(name)
    }
  }
}
