/** The columns of an AssetRow, of the table "Asset" as `a`. */
export const assetColumns =
  'a."id", a."contentHash", a."name", a."title", a."description", a."tags", a."collections", a."mimeType", a."bytes", a."width", a."height", a."status"::text AS "status", a."error", a."createdAt", a."updatedAt", a."takenAt"'
