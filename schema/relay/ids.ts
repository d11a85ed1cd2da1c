/** Ids are readable: asset_... is an asset, run_... a drawing, and any other a model's name. */

/** Whether an asset could have this id: any other, with a NUL character say, never reaches the database. */
export const isAssetId = (id: string) => /^asset_\w{1,64}$/.test(id)

/** Whether a drawing could have this id. */
export const isRunId = (id: string) => /^run_\w{1,64}$/.test(id)

/** The GraphQL type that an id belongs to. */
export const typenameOf = (id: string) =>
  id.startsWith('asset_') ? 'Asset' : id.startsWith('run_') ? 'Drawing' : 'Model'
