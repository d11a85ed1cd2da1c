CREATE EXTENSION IF NOT EXISTS vector;

-- CreateEnum
CREATE TYPE "AssetStatus" AS ENUM ('PENDING', 'READY', 'FAILED');

-- CreateTable
CREATE TABLE "Asset" (
    "id" TEXT NOT NULL,
    "contentHash" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "title" TEXT,
    "description" TEXT,
    "tags" TEXT[],
    "collection" TEXT,
    "mimeType" TEXT NOT NULL,
    "bytes" INTEGER NOT NULL,
    "width" INTEGER NOT NULL,
    "height" INTEGER NOT NULL,
    "status" "AssetStatus" NOT NULL DEFAULT 'PENDING',
    "error" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Asset_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "IndexedModel" (
    "revision" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "dimensions" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "IndexedModel_pkey" PRIMARY KEY ("revision")
);

-- CreateTable
CREATE TABLE "AssetVector" (
    "assetId" TEXT NOT NULL,
    "revision" TEXT NOT NULL,
    "v" vector NOT NULL,

    CONSTRAINT "AssetVector_pkey" PRIMARY KEY ("assetId","revision")
);

-- CreateIndex
CREATE UNIQUE INDEX "Asset_contentHash_key" ON "Asset"("contentHash");

-- CreateIndex
CREATE INDEX "Asset_status_idx" ON "Asset"("status");

-- CreateIndex
CREATE INDEX "Asset_collection_idx" ON "Asset"("collection");

-- CreateIndex
CREATE INDEX "Asset_tags_idx" ON "Asset" USING GIN ("tags");

-- AddForeignKey
ALTER TABLE "AssetVector" ADD CONSTRAINT "AssetVector_assetId_fkey" FOREIGN KEY ("assetId") REFERENCES "Asset"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- From here on what Prisma's schema cannot say and its diff does not see.

-- A vector of 512 floats is just over the size at which a row's values are moved out of line, where an exact scan
-- would fetch each one apart.
ALTER TABLE "AssetVector" ALTER COLUMN "v" SET STORAGE MAIN;

-- The words of an asset, twice: stemmed as English, and as they stand for every other language. Names are split
-- where people join words (red_heart-2, redHeart). IMMUTABLE, as an index on it demands; array_to_string is only
-- called STABLE because of other element types.
CREATE FUNCTION limn_document(name TEXT, title TEXT, description TEXT, tags TEXT[]) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT to_tsvector('pg_catalog.english'::regconfig, words) || to_tsvector('pg_catalog.simple'::regconfig, words)
  FROM (
    SELECT regexp_replace(regexp_replace(name, '([a-z])([A-Z])', '\1 \2', 'g'), '[_./-]+', ' ', 'g')
      || ' ' || coalesce(title, '') || ' ' || coalesce(description, '') || ' ' || array_to_string(tags, ' ') AS words
  ) AS document
$$;

CREATE INDEX "Asset_document_idx" ON "Asset" USING GIN (limn_document("name", "title", "description", "tags"));
