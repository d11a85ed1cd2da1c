import os from 'node:os'

/** The cores that this process may use: as many threads as these work at once. */
export const cores = os.availableParallelism()
