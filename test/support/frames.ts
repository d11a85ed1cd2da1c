/** A guidance run's frames as a plugin reads them: server-sent events. */
export interface Frame {
  runId: string
  status: string
  step: number
  loss: number
  svg: string | null
  preview: { base64: string }
}

export async function* frames(url: string, id: string, signal?: AbortSignal): AsyncGenerator<Frame> {
  const query =
    'subscription ($id: ID!) { guidance(id: $id) { runId status step loss svg preview { base64 } } }'
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
      yield answer.guidance
    }
  }
}
