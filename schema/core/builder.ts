import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import type { Context } from './context.ts'
import type { Upload } from './images.ts'

export const builder = new SchemaBuilder<{
  Context: Context
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    Vector: { Input: string; Output: string }
    File: { Input: Upload; Output: never }
    URL: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
  }
}>({
  plugins: [ComplexityPlugin],
  defaultFieldNullability: false,
  // The cost is checked once per request, before execution: see api/http/limits.ts.
  complexity: { disabled: true },
})

builder.queryType({ description: 'Everything that reads.' })
builder.mutationType({ description: 'Everything that changes the library.' })
