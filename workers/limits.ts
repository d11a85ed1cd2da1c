/**
 * How much one request, document or stored thing may hold: the one table, which workers and schema read. Limits that a
 * server's owner sets are in api/config.ts.
 */
export const limits = {
  // Texts, in characters (code points; textLength in UTF-16 units).
  textLength: 10_000,
  nameLength: 255,
  titleLength: 500,
  descriptionLength: 10_000,
  /** Of a collection's whole path. */
  collectionLength: 500,
  /** Of a packed vector: 64 Ki numbers in full precision. */
  vectorLength: 350_000,
  cursorLength: 4000,
  idempotencyKeyLength: 255,
  tagLength: 100,
  /** Tags of one asset. */
  tags: 200,
  /** Collections of one asset. */
  collections: 100,
  /** Levels of a collection's path. */
  collectionDepth: 16,

  // Entries of one argument.
  /** Inputs of one embed, and files of one multipart body. */
  embedInputs: 256,
  /** Candidates of one rank. */
  rankCandidates: 1024,
  /** Prompts of one rank, search, guide or run, and of each end of a direction. */
  prompts: 64,
  /** Templates of one direction. */
  templates: 32,
  /** Images of one addAssets. */
  addAssets: 64,
  /** Ids of one nodes, deleteAssets or where.ids, and entries of any other list of a filter. */
  ids: 1000,

  // A filter.
  /** Filters inside one another by and, or, not. */
  whereDepth: 8,
  /** Conditions in all of them. */
  whereConditions: 100,
  /** Values of one facet. */
  facetValues: 500,
  /** Images of one updateAssets. */
  updateAssets: 500,

  // Rows of a page.
  pageSize: 100,
  defaultPageSize: 20,

  // guide.
  /** Random views of one image. */
  cutouts: 128,
  /** Cells of a heatmap, across or down. */
  heatmapCells: 256,
  /** Pixels of an image whose gradient is computed: its gradient as float32 RGB takes 12 bytes each. */
  guidePixels: 4 * 2 ** 20,

  // Drawings.
  /** Steps of one run. */
  runSteps: 2000,
  /** Shortest and longest edge, in pixels. */
  runEdge: [16, 2048] as [min: number, max: number],
  /** Longer edge over shorter edge. */
  runAspect: 8,
  /** Shapes or strokes. */
  runElements: 256,
  /** Colours of a palette. */
  paletteColours: 64,

  // GraphQL documents.
  /** Cost, in the unit of `complexity` in schema/: about one a field and item. */
  complexity: 20_000,
  /** Fields inside one another. */
  depth: 14,
  aliases: 64,
  tokens: 10_000,
  /** Brackets of any kind inside one another: parsing recurses. Introspection has some 14. */
  nesting: 64,
  /** Characters: images belong in variables. */
  documentLength: 2 ** 20,
  /** Lines: the place of each error is counted from the first. */
  lines: 10_000,
  /** Characters of a name: suggestions compare it with every name of the schema. */
  documentNameLength: 255,

  // JSON of a request: its shape is bounded before anything reads its values.
  /** Values in all: the largest useful request has some 7,000. */
  values: 50_000,
  /** Entries of one list. A field with a limit of its own names it. */
  listEntries: 40_000,
  /** Keys of one object. */
  objectKeys: 1024,
  /** Lists and objects inside one another. */
  valueDepth: 32,
  /** Bytes outside of texts: numbers, brackets, blanks. */
  plainBytes: 2 ** 21,
  /** Bytes of an urlencoded body. */
  formBytes: 2 ** 20,
  /** Entries of a multipart map, and paths of all of them. */
  uploadPaths: 1024,
  /** Errors in the variables of one request that its answer lists. */
  variableErrors: 3,
  /** Errors in a document that the answer lists. */
  documentErrors: 20,

  // Persisted documents that the server remembers: how many, and their characters in all.
  persistedDocuments: 1000,
  persistedLength: 2 ** 22,
} as const
