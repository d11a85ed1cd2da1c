-- The colours of each asset, kept in step with the enrichment 'colours' by a trigger: filters and counts find them in the
-- row itself. Four numbers a colour: lightness, a and b of OKLab and the share, in 1/10000. Empty until the image's
-- colours are known.

-- AlterTable
ALTER TABLE "Asset" ADD COLUMN "palette" SMALLINT[] NOT NULL DEFAULT ARRAY[]::SMALLINT[];
ALTER TABLE "Asset" ADD COLUMN "colourFamilies" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[];

-- The cells of OKLab, a twentieth a side, in which colours of a palette lie: workers/colour/stored.ts computes the cells
-- of a query in the same way.
CREATE FUNCTION limn_colour_cells(palette smallint[]) RETURNS smallint[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    cells smallint[] := '{}';
BEGIN
    FOR k IN 1 .. cardinality(palette) BY 4 LOOP
        cells := cells || ((palette[k] / 500 * 32 + (palette[k + 1] + 5000) / 500) * 32 + (palette[k + 2] + 5000) / 500)::smallint;
    END LOOP;
    RETURN cells;
END
$$;

-- Prisma models no index of an expression, and leaves it alone.
CREATE INDEX "Asset_colour_cells_idx" ON "Asset" USING GIN (limn_colour_cells("palette"));

-- CreateIndex
CREATE INDEX "Asset_colourFamilies_idx" ON "Asset" USING GIN ("colourFamilies");

CREATE FUNCTION limn_keep_colours() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE "Asset" SET
        "palette" = ARRAY(SELECT value::smallint FROM jsonb_array_elements_text(NEW."result" -> 'index')),
        "colourFamilies" = ARRAY(SELECT value FROM jsonb_array_elements_text(NEW."result" -> 'families'))
    WHERE "id" = NEW."assetId";
    RETURN NULL;
END
$$;

CREATE TRIGGER "Enrichment_colours" AFTER INSERT OR UPDATE ON "Enrichment"
FOR EACH ROW WHEN (NEW."enricher" = 'colours') EXECUTE FUNCTION limn_keep_colours();
