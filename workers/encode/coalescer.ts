import { Job, type JobOptions } from './job.ts'

/** Identical work in flight is done once: at most one job for each key. */
export class Coalescer {
  readonly #jobs = new Map<string, Job>()

  /** The job that is already at this key. */
  get(key: string): Job | undefined {
    return this.#jobs.get(key)
  }

  /** A new job; the key is free again when it is done. */
  start(key: string, options: JobOptions): Job {
    const job = new Job({
      ...options,
      onDone: (result) => {
        this.#jobs.delete(key)
        options.onDone(result)
      },
    })
    this.#jobs.set(key, job)
    return job
  }

  close(reason: Error): void {
    for (const job of [...this.#jobs.values()]) job.settle(reason)
  }
}
