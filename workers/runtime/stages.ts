/** Where the time of one input goes, in seconds. */
export interface StageSeconds {
  /** From the call to pixels or token ids, waiting for a decoding thread included. */
  decode: number
  /** From pixels or token ids to the session that runs them. */
  queue: number
  /** The session's run of the batch that the input was in. */
  encode: number
}

export const stages = ['decode', 'queue', 'encode'] as const satisfies readonly (keyof StageSeconds)[]
