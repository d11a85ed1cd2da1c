import { type Client, RequestRefused } from '../shared/client.ts'

const query = '{ server { notices { message } } }'

/** What the server has to say of its library now, for people. Older servers say nothing. */
export async function noticesOf(client: Client): Promise<string[]> {
  try {
    const { server } = await client.send<{ server: { notices: { message: string }[] | null } }>(query, {})
    return (server.notices ?? []).map(({ message }) => message)
  } catch (error) {
    if (error instanceof RequestRefused) return []
    throw error
  }
}
