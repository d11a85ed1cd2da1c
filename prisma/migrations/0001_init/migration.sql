-- pgvector 0.8 or later: searches with filters need its iterative index scans.
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

-- From here on: what Prisma does not model and leaves alone.

-- Vectors of up to 2,000 dimensions stay in their row's own page: an exact scan would otherwise fetch each from the
-- TOAST table. Statistics of vectors are of no use to the planner.
ALTER TABLE "AssetVector" SET (toast_tuple_target = 8160);
ALTER TABLE "AssetVector" ALTER COLUMN "v" SET STORAGE EXTERNAL;
ALTER TABLE "AssetVector" ALTER COLUMN "v" SET STATISTICS 0;

-- Functions of an index call nothing outside pg_catalog: ANALYZE, VACUUM and pg_restore run with no other search_path.

-- The searchable document of an asset. Separators between words become spaces, here and in queries: "red-heart.svg" is
-- found by "red heart" and by "red-heart". Stems (english) and plain words (simple) lie side by side; names in camel
-- case are there whole and in parts. array_to_string is not immutable for every element type, but is for text.
CREATE FUNCTION limn_document(name text, title text, description text, tags text[]) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    given text := replace(concat_ws(' ', name, title, array_to_string(tags, ' '), description), '_', ' ');
    words text := regexp_replace(given, '([[:alnum:]])[-./]+(?=[[:alnum:]])', '\1 ', 'g');
    parts text := regexp_replace(words, '([[:lower:]])(?=[[:upper:]])', '\1 ', 'g');
BEGIN
    IF parts <> words THEN
        words := words || ' ' || parts;
    END IF;
    RETURN to_tsvector('pg_catalog.english'::regconfig, words) || to_tsvector('pg_catalog.simple'::regconfig, words);
END
$$;

-- Web-search syntax; a leading minus, which excludes a word, stays. Plain words serve only where English keeps none of
-- the query ("the who"): joined by OR, an excluded word would come back through the other configuration.
CREATE FUNCTION limn_query(query text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    words text := regexp_replace(replace(query, '_', ' '), '([[:alnum:]])[-./]+(?=[[:alnum:]])', '\1 ', 'g');
    stems tsquery := websearch_to_tsquery('pg_catalog.english'::regconfig, words);
BEGIN
    IF numnode(stems) > 0 THEN
        RETURN stems;
    END IF;
    RETURN websearch_to_tsquery('pg_catalog.simple'::regconfig, words);
END
$$;

CREATE INDEX "Asset_document_idx" ON "Asset" USING GIN (limn_document("name", "title", "description", "tags"));
