import { Job, type JobOptions } from './job.ts'

/** Does identical work in flight once: it has at most one job for each key. */
export class Coalescer {
  readonly #jobs = new Map<string, Job>()

  /** The job in flight for this key. */
  get(key: string): Job | undefined {
    return this.#jobs.get(key)
  }

  /** Starts a job; the key is free again when the job is done. */
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
