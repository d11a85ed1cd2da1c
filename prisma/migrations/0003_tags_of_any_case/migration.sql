-- Tags are told apart regardless of case when they are stored, and so they are when they are looked for.

-- The array's text in lower case: an element that needs quotation marks has them in either case. Half the time of
-- going through the elements; a filter that keeps most rows calls it for each.
CREATE FUNCTION limn_folded(tags text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RETURN lower(tags::text)::text[];
END
$$;

-- DropIndex
DROP INDEX "Asset_tags_idx";

-- Prisma models no index of an expression, and leaves it alone.
CREATE INDEX "Asset_folded_tags_idx" ON "Asset" USING GIN (limn_folded("tags"));
