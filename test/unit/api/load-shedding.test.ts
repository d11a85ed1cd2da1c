import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { LoadShedder } from '../../../api/http/load-shedding.ts'
import { Overloaded } from '../../../workers/errors.ts'

const response = () => new EventEmitter() as unknown as ServerResponse
const whole = { id: 'a', share: 1 }

describe('load shedding', () => {
  it('requests are refused when the queue is full and as many are under way as it has places', () => {
    const queue = { waiting: 0, limit: 2 }
    const shedder = new LoadShedder(() => queue)
    shedder.admit(response(), whole)
    queue.waiting = 2
    const second = response()
    shedder.admit(second, whole)
    expect(() => shedder.admit(response(), whole)).toThrow(Overloaded)
    second.emit('close')
    expect(() => shedder.admit(response(), whole)).not.toThrow()
  })

  it('requests are refused when twice as many are under way as the queue has places', () => {
    const shedder = new LoadShedder(() => ({ waiting: 0, limit: 40 }))
    for (let n = 0; n < 80; n++) shedder.admit(response(), whole)
    expect(() => shedder.admit(response(), whole)).toThrow(/answering 80 requests/)
  })

  it('a caller that fills its share is refused while others are answered', () => {
    const shedder = new LoadShedder(() => ({ waiting: 0, limit: 40 }))
    const quarter = { id: 'b', share: 0.25 }
    for (let n = 0; n < 20; n++) shedder.admit(response(), quarter)
    expect(() => shedder.admit(response(), quarter)).toThrow(Overloaded)
    expect(() => shedder.admit(response(), whole)).not.toThrow()
  })
})
