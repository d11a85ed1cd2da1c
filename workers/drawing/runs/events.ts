/** Latest-wins publish and subscribe: a slow subscriber gets the newest value and misses those before it. */

export class LatestEvents<T> {
  readonly #subscriptions = new Map<string, Set<Subscription<T>>>()

  /** Dispose of the subscription when done. */
  subscribe(topic: string): Subscription<T> {
    const all = this.#subscriptions.get(topic) ?? new Set()
    this.#subscriptions.set(topic, all)
    const subscription = new Subscription<T>(() => {
      all.delete(subscription)
      if (all.size === 0) this.#subscriptions.delete(topic)
    })
    all.add(subscription)
    return subscription
  }

  publish(topic: string, value: T): void {
    for (const subscription of this.#subscriptions.get(topic) ?? []) subscription.put(value)
  }

  /** Makes the topic's subscribers look around, without a value. */
  wake(topic: string): void {
    for (const subscription of this.#subscriptions.get(topic) ?? []) subscription.wake()
  }

  wakeAll(): void {
    for (const topic of this.#subscriptions.keys()) this.wake(topic)
  }
}

export class Subscription<T> implements Disposable {
  #value: T | null = null
  #woken = Promise.withResolvers<void>()
  readonly #onDispose: () => void

  constructor(onDispose: () => void) {
    this.#onDispose = onDispose
  }

  put(value: T): void {
    this.#value = value
    this.wake()
  }

  wake(): void {
    this.#woken.resolve()
  }

  /** The newest value that was not taken yet. */
  take(): T | null {
    const value = this.#value
    this.#value = null
    return value
  }

  /** Resolves when there is a value to take or the subscription was woken, when the signal fires, or after `ms`. */
  async wait(signal: AbortSignal, ms?: number): Promise<void> {
    const wake = () => this.wake()
    const timer = ms === undefined ? undefined : setTimeout(wake, ms)
    signal.addEventListener('abort', wake)
    if (signal.aborted) wake()
    try {
      await this.#woken.promise
    } finally {
      this.#woken = Promise.withResolvers()
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
    }
  }

  [Symbol.dispose](): void {
    this.#onDispose()
  }
}
