/**
 * PostgreSQL's wire protocol in front of PGlite: many connections, one session.
 *
 * A connection has the session to itself from the first message of a statement until the server is ready for the next
 * one outside a transaction. Anything less mixes connections up: Parse, Bind and Execute of one share an unnamed
 * statement with all others (seen with a multiplexer that hands over between messages: "bind message supplies 1
 * parameters, but prepared statement requires 4").
 */

import { createServer, type Server, type Socket } from 'node:net'
import type { PGlite } from '@electric-sql/pglite'

const sslRequest = 80877103
const gssRequest = 80877104
const cancelRequest = 80877102
/** Messages after which the server answers with ReadyForQuery: Sync, Query, FunctionCall. */
const endsTurn = new Set(['S', 'Q', 'F'].map((type) => type.charCodeAt(0)))
const terminate = 'X'.charCodeAt(0)
const password = 'p'.charCodeAt(0)
/** How long a connection may hold the session in a transaction and ask nothing, while all others wait. */
const maxIdleMs = 60_000
/** AuthenticationCleartextPassword */
const askPassword = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])

interface Turn {
  connection: Connection
  bytes: Buffer
}

/** Serves `database` to whoever knows `secret`; connections are made on the returned server by `listen`. */
export function serveWire(
  database: PGlite,
  secret: string,
  idleMs = maxIdleMs,
): { server: Server; close(): Promise<void> } {
  const session = new Session(database, idleMs)
  const connections = new Set<Connection>()
  const server = createServer((socket) => {
    const connection = new Connection(socket, session, secret)
    connections.add(connection)
    socket.on('close', () => connections.delete(connection))
  })
  return {
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const { socket } of connections) socket.destroy()
      }),
  }
}

/** Whose turn it is. */
class Session {
  readonly #database: PGlite
  readonly #idleMs: number
  readonly #waiting: Turn[] = []
  #owner: Connection | null = null
  #idle: NodeJS.Timeout | undefined
  #scheduled = false

  constructor(database: PGlite, idleMs: number) {
    this.#database = database
    this.#idleMs = idleMs
  }

  startup(message: Buffer): Uint8Array {
    return this.#database.execProtocolRawSync(new Uint8Array(message))
  }

  take(turn: Turn) {
    this.#waiting.push(turn)
    this.#schedule()
  }

  /** A connection is gone: what it had asked for is dropped and its open transaction is undone. */
  leave(connection: Connection) {
    for (let i = this.#waiting.length - 1; i >= 0; i--)
      if (this.#waiting[i]!.connection === connection) this.#waiting.splice(i, 1)
    if (this.#owner !== connection) return
    clearTimeout(this.#idle)
    this.#database.execProtocolRawSync(query('ROLLBACK'))
    this.#owner = null
    this.#schedule()
  }

  /** One turn per tick of the event loop, so that sockets and the parent's messages are heard between. */
  #schedule() {
    if (this.#scheduled || this.#waiting.length === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      const next = this.#owner
        ? this.#waiting.findIndex(({ connection }) => connection === this.#owner)
        : this.#waiting.length > 0
          ? 0
          : -1
      if (next < 0) return
      const [{ connection, bytes }] = this.#waiting.splice(next, 1) as [Turn]
      clearTimeout(this.#idle)
      const answer = this.#database.execProtocolRawSync(new Uint8Array(bytes))
      this.#owner = this.#database.isInTransaction() ? connection : null
      if (this.#owner) this.#idle = setTimeout(() => connection.socket.destroy(), this.#idleMs)
      connection.socket.write(answer)
      this.#schedule()
    })
  }
}

class Connection {
  readonly socket: Socket
  readonly #session: Session
  readonly #secret: string
  #phase: 'startup' | 'password' | 'ready' = 'startup'
  #startup = Buffer.alloc(0)
  /** Bytes that came, from the first message of the present turn on. */
  #chunks: Buffer[] = []
  #size = 0
  /** Where in them the next message begins. */
  #scanned = 0

  constructor(socket: Socket, session: Session, secret: string) {
    this.socket = socket
    this.#session = session
    this.#secret = secret
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk)
      this.#size += chunk.length
      this.#read()
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => session.leave(this))
  }

  #read() {
    while (!this.socket.destroyed) {
      const header = this.#phase === 'startup' ? 4 : 5
      if (this.#size < this.#scanned + header) return
      const length = this.#uint32(this.#scanned + header - 4) + header - 4
      // Joining only what is complete keeps a large statement in many chunks linear.
      if (this.#size < this.#scanned + length) return
      const all = this.#joined()
      const message = all.subarray(this.#scanned, this.#scanned + length)
      if (this.#phase === 'startup') this.#start(message)
      else if (this.#phase === 'password') this.#authenticate(message)
      else if (message[0] === terminate) this.socket.end()
      else if (endsTurn.has(message[0]!)) {
        const end = this.#scanned + length
        this.#session.take({ connection: this, bytes: all.subarray(0, end) })
        this.#drop(end)
        continue
      } else {
        this.#scanned += length
        continue
      }
      this.#drop(this.#scanned + length)
    }
  }

  #start(message: Buffer) {
    const code = message.readUInt32BE(4)
    if (code === sslRequest || code === gssRequest) this.socket.write('N')
    else if (code === cancelRequest) this.socket.end()
    else {
      this.#startup = Buffer.from(message)
      this.#phase = 'password'
      this.socket.write(askPassword)
    }
  }

  #authenticate(message: Buffer) {
    if (message[0] !== password || message.toString('utf8', 5, message.length - 1) !== this.#secret) {
      this.socket.destroy()
      return
    }
    this.#phase = 'ready'
    this.socket.write(this.#session.startup(this.#startup))
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }

  #uint32(at: number): number {
    let start = 0
    for (const chunk of this.#chunks) {
      if (at + 4 <= start + chunk.length && at >= start) return chunk.readUInt32BE(at - start)
      // A length that lies across two chunks.
      if (at < start + chunk.length) return this.#joined().readUInt32BE(at)
      start += chunk.length
    }
    throw new RangeError(`no byte ${at} of ${this.#size}`)
  }

  #drop(count: number) {
    const rest = this.#joined().subarray(count)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#size = rest.length
    this.#scanned = 0
  }
}

function query(sql: string): Uint8Array {
  const text = Buffer.from(`${sql}\0`)
  const message = Buffer.alloc(5 + text.length)
  message.write('Q')
  message.writeUInt32BE(4 + text.length, 1)
  text.copy(message, 5)
  return new Uint8Array(message)
}
