import { builder } from './builder.ts'
import './scalars.ts'
import './errors.ts'
import './node.ts'
import './models.ts'
import './concepts.ts'
import './embed.ts'
import './rank.ts'
import './search.ts'
import './assets/connection.ts'
import './assets/mutations.ts'

export const schema = builder.toSchema()
