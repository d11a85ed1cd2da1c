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

-- The share of a palette, in 1/10000, that lies near to one of some colours: three numbers a colour in `wanted`, and the
-- square of the largest distance. Loops, which take less time here than a query over the palette's places does.
CREATE FUNCTION limn_colour_share(palette smallint[], wanted int[], square int) RETURNS int
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    share int := 0;
BEGIN
    FOR k IN 1 .. cardinality(palette) BY 4 LOOP
        FOR w IN 1 .. cardinality(wanted) BY 3 LOOP
            IF (palette[k] - wanted[w]) * (palette[k] - wanted[w])
                + (palette[k + 1] - wanted[w + 1]) * (palette[k + 1] - wanted[w + 1])
                + (palette[k + 2] - wanted[w + 2]) * (palette[k + 2] - wanted[w + 2]) <= square THEN
                share := share + palette[k + 3];
                EXIT;
            END IF;
        END LOOP;
    END LOOP;
    RETURN share;
END
$$;

-- How well a palette fits the colours of a search: see prisma/colours/score.ts. Colours at the distance whose square is
-- given count nothing.
CREATE FUNCTION limn_colour_score(palette smallint[], wanted int[], square float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    score float8 := 0;
    shown float8;
BEGIN
    FOR w IN 1 .. cardinality(wanted) BY 3 LOOP
        shown := 0;
        FOR k IN 1 .. cardinality(palette) BY 4 LOOP
            shown := shown + palette[k + 3] * greatest(0, 1 - (
                (palette[k] - wanted[w]) * (palette[k] - wanted[w])
                + (palette[k + 1] - wanted[w + 1]) * (palette[k + 1] - wanted[w + 1])
                + (palette[k + 2] - wanted[w + 2]) * (palette[k + 2] - wanted[w + 2])
            ) / square);
        END LOOP;
        score := score + sqrt(least(1, shown / 10000));
    END LOOP;
    RETURN score * 3 / greatest(3, cardinality(wanted));
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
