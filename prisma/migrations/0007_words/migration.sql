-- The words of an asset are written by the application, whose tokenizer reads file names and many languages and is the
-- same for what is stored and what is asked; PostgreSQL's parser reads prose, in one language at a time.

-- Near spellings. A trusted extension: whoever may create in the database may make it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- DropIndex
DROP INDEX IF EXISTS "Asset_document_idx";
DROP FUNCTION limn_query(text);
DROP FUNCTION limn_document(text, text, text, text[]);

-- AlterTable
ALTER TABLE "Asset" ADD COLUMN "words" tsvector NOT NULL DEFAULT ''::tsvector,
ADD COLUMN "wordsRevision" INTEGER NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "Asset_words_idx" ON "Asset" USING GIN ("words");

-- CreateIndex
CREATE INDEX "Asset_wordsRevision_idx" ON "Asset"("wordsRevision");

-- Rows whose labels are changed without their words, by SQL that changes many, become stale and are rewritten behind.
CREATE FUNCTION limn_stale_words() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW."words" = OLD."words" AND NEW."wordsRevision" = OLD."wordsRevision" THEN
        NEW."wordsRevision" := 0;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER "Asset_stale_words" BEFORE UPDATE OF "name", "title", "description", "tags", "collections" ON "Asset"
FOR EACH ROW EXECUTE FUNCTION limn_stale_words();

-- CreateTable
CREATE TABLE "Word" (
    "term" TEXT COLLATE "C" NOT NULL,
    "documents" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "Word_pkey" PRIMARY KEY ("term")
);

-- CreateIndex
CREATE INDEX "Word_term_idx" ON "Word" USING GIN ("term" gin_trgm_ops);
