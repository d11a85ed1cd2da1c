/** Named tasks of a thread, typed once: an interface whose methods the thread implements and its client calls. */
import { Session } from './session.ts'
import { hostSession } from './session-host.ts'

/** The methods of T that a client may call. */
type Methods<T> = {
  [Name in keyof T as T[Name] extends (...args: never[]) => unknown ? Name : never]: T[Name]
}
type Arguments<T> = T extends (...args: infer A) => unknown ? A : never
type Result<T> = T extends (...args: never[]) => infer R ? Awaited<R> : never

interface Call {
  task: string
  args: unknown[]
}

/** The client's end. `Ready` is what the thread says once it has started. */
export class TaskSession<Tasks, Ready = null> {
  readonly #session: Session<Call, unknown, Ready>

  private constructor(session: Session<Call, unknown, Ready>) {
    this.#session = session
  }

  /** Starts the thread. @throws what it throws before it serves, as the class it was */
  static async start<Tasks, Ready = null>(
    thread: URL,
    workerData: unknown,
  ): Promise<TaskSession<Tasks, Ready>> {
    return new TaskSession<Tasks, Ready>(await Session.load<Call, unknown, Ready>(thread, workerData))
  }

  get ready(): Ready {
    return this.#session.ready
  }

  get alive(): boolean {
    return this.#session.alive
  }

  /** @throws what the task throws, as the class it was; SessionDied */
  async run<Name extends keyof Methods<Tasks> & string>(
    task: Name,
    ...args: Arguments<Tasks[Name]>
  ): Promise<Result<Tasks[Name]>> {
    const { output } = await this.#session.run({ task, args })
    return output as Result<Tasks[Name]>
  }

  /** Waits for the task that runs. */
  close(): Promise<void> {
    return this.#session.close()
  }
}

/**
 * The thread's end. A Float32Array that a task returns is moved to the client, not copied: return one that nothing else
 * refers to.
 */
export function serveTasks<Tasks extends object, Ready>(
  start: () => Promise<{ ready: Ready; tasks: Tasks }>,
): Promise<void> {
  const load = async () => {
    const { ready, tasks } = await start()
    return {
      ready,
      async run({ task, args }: Call) {
        const method = tasks[task as keyof Tasks] as (...args: unknown[]) => unknown
        const output = await method.apply(tasks, args)
        return { output, transfer: output instanceof Float32Array ? [output.buffer as ArrayBuffer] : [] }
      },
    }
  }
  return hostSession<Call, unknown, Ready>(load, { concurrent: true })
}
