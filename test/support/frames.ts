/** A drawing at its steps as a plugin reads it: server-sent events. */
export interface Frame {
  id: string
  status: string
  step: number
  loss: number | null
  svg: string | null
  error: string | null
  preview: { base64: string } | null
}

export async function* frames(url: string, id: string, signal?: AbortSignal): AsyncGenerator<Frame> {
  const query =
    'subscription ($id: ID!) { drawing(id: $id) { id status step loss svg error preview { base64 } } }'
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query, variables: { id } }),
    signal,
  })
  let rest = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    rest += chunk
    const events = rest.split('\n\n')
    rest = events.pop()!
    for (const event of events) {
      const data = /^data: ?(.*)$/m.exec(event)?.[1]
      if (!data || !/event: next/.test(event)) continue
      const { data: answer, errors } = JSON.parse(data)
      if (errors) throw new Error(errors[0].message)
      yield answer.drawing
    }
  }
}
