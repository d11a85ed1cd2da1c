import { expect, it } from 'vitest'
import * as errors from '../../../workers/errors.ts'
import {
  BadUserInput,
  DeadlineExceeded,
  GraphError,
  ItemError,
  type ItemErrorCode,
  itemErrorCodes,
  ModelFolderError,
  ModelNotFound,
  Overloaded,
  RequestError,
  type RequestErrorCode,
  requestErrorCodes,
} from '../../../workers/errors.ts'
import { fromWire, toWire } from '../../../workers/runtime/wire-errors.ts'

/** As another thread (structured clone) and another machine (JSON) receive it. */
const transports: [string, (value: unknown) => unknown][] = [
  ['structured clone', structuredClone],
  ['JSON', (value) => JSON.parse(JSON.stringify(value))],
]

/** One of every class, made as the product makes it. */
const examples: Record<string, Error> = {
  ModelNotFound: ModelNotFound.named('nowhere', ['limn-icons']),
  BadUserInput: new BadUserInput('prompts[1]: The text is empty.', { argument: 'prompts[1]' }),
  Overloaded: Overloaded.queue(500, { waiting: 3, limit: 2 }),
  DeadlineExceeded: DeadlineExceeded.after(1000),
  GraphError: new GraphError('No gradient rule for Det.'),
  ModelFolderError: new ModelFolderError('config.json is missing.', 'mine'),
  ItemError: new ItemError('TOO_LARGE', 'The image has 9 bytes; the limit is 8.', { limit: 8, given: 9 }),
  RequestError: new RequestError('INTERNAL', 'It failed.', { id: 'x' }),
}

const fieldsOf = (error: Error) => ({ ...error, name: error.name, message: error.message, stack: undefined })

it('every class of workers/errors.ts has an example here', () => {
  const classes = Object.entries(errors).filter(
    ([, value]) => typeof value === 'function' && value.prototype instanceof Error,
  )
  expect(classes.map(([name]) => name).sort()).toEqual(Object.keys(examples).sort())
})

for (const [transport, send] of transports) {
  const crossed = (error: unknown) => fromWire(send(toWire(error)) as ReturnType<typeof toWire>)

  it.each(Object.entries(examples))(
    `a %s arrives as the class it was, with its fields, by ${transport}`,
    (_, error) => {
      const arrived = crossed(error)
      expect(arrived.constructor).toBe(error.constructor)
      expect(fieldsOf(arrived)).toEqual(fieldsOf(error))
    },
  )

  it.each(Object.keys(itemErrorCodes) as ItemErrorCode[])(
    `an ItemError keeps its code %s by ${transport}`,
    (code) => {
      expect(crossed(new ItemError(code, 'why'))).toMatchObject({ name: 'ItemError', code, message: 'why' })
    },
  )

  it.each(Object.keys(requestErrorCodes) as RequestErrorCode[])(
    `a RequestError keeps its code %s and its details by ${transport}`,
    (code) => {
      const arrived = crossed(new RequestError(code, 'why', { retryAfterMs: 7 }))
      expect(arrived).toBeInstanceOf(RequestError)
      expect(arrived).toMatchObject({ code, message: 'why' })
    },
  )

  it(`an error of any other class arrives with its message and its stack by ${transport}`, () => {
    const error = new TypeError('x is not a function')
    expect(crossed(error)).toMatchObject({ message: error.message, stack: error.stack })
    expect(crossed('thrown text').message).toBe('thrown text')
  })
}

it('an Overloaded says when to come back after it crossed', () => {
  expect(fromWire(toWire(Overloaded.queue(750, { waiting: 2, limit: 2 })))).toMatchObject({
    retryAfterMs: 750,
  })
})
