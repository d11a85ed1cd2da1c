-- Several servers may share one database: whoever holds the lease works. Expired leases may be taken by anyone.

-- CreateTable
CREATE TABLE "Lease" (
    "kind" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Lease_pkey" PRIMARY KEY ("kind","id")
);

-- CreateIndex
CREATE INDEX "Lease_expiresAt_idx" ON "Lease"("expiresAt");

-- What enrichers found in assets, beside their vectors: a row for each asset, enricher and revision of it.

-- CreateTable
CREATE TABLE "Enrichment" (
    "assetId" TEXT NOT NULL,
    "enricher" TEXT NOT NULL,
    "revision" TEXT NOT NULL,
    "result" JSONB,
    "error" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Enrichment_pkey" PRIMARY KEY ("assetId","enricher","revision")
);

-- CreateIndex
CREATE INDEX "Enrichment_enricher_revision_idx" ON "Enrichment"("enricher", "revision");

-- AddForeignKey
ALTER TABLE "Enrichment" ADD CONSTRAINT "Enrichment_assetId_fkey" FOREIGN KEY ("assetId") REFERENCES "Asset"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Any server may ask for a stop; the one that holds the run's lease ends it. Generators are rows of a table in the code:
-- a new one needs no migration.

-- AlterTable
ALTER TABLE "GuidanceRun" ADD COLUMN "stopRequested" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "GuidanceRun" ALTER COLUMN "generator" TYPE TEXT USING "generator"::text;

-- DropEnum
DROP TYPE "Generator";

-- Runs that were saved under the old names of their input go on.
UPDATE "GuidanceRun" SET "input" = ("input" - 'commission' - 'pulls') || jsonb_build_object(
    'request', "input" -> 'commission',
    'prompts', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('vector', pull -> 'target', 'weight', pull -> 'weight') ORDER BY place), '[]')
        FROM jsonb_array_elements("input" -> 'pulls') WITH ORDINALITY AS pulls(pull, place)
    )
) WHERE "input" ? 'commission' AND "input" ? 'pulls';
