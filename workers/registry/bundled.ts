/** Name of the model that comes with Limn: workers/models has its folder. */
export const bundledModel = 'limn-icons'
