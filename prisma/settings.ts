/**
 * Settings of every connection. HNSW filters after the scan: iterative scans go on until enough rows pass, up to
 * `maxScanTuples`. strict_order, as pages continue where the order left off.
 */
export const maxScanTuples = 40_000

export const sessionSettings = [
  "SET hnsw.iterative_scan = 'strict_order'",
  'SET hnsw.ef_search = 200',
  `SET hnsw.max_scan_tuples = ${maxScanTuples}`,
  'SET hnsw.scan_mem_multiplier = 4',
]
