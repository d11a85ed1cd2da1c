import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import RelayPlugin from '@pothos/plugin-relay'
import { relayOptions } from '../relay/options.ts'
import type { Context } from './context.ts'
import type { Upload } from './images.ts'

export const builder = new SchemaBuilder<{
  Context: Context
  DefaultFieldNullability: false
  DefaultEdgesNullability: false
  DefaultNodeNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    Vector: { Input: string; Output: string }
    File: { Input: Upload; Output: never }
    URL: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
  }
}>({
  plugins: [RelayPlugin, ComplexityPlugin],
  defaultFieldNullability: false,
  // The cost is checked once per request, before execution: see api/hooks/use-limits.ts.
  complexity: { disabled: true },
  relay: relayOptions,
})

builder.queryType({ description: 'Operations that read.' })
builder.mutationType({ description: 'Operations that change the library or make drawings.' })
