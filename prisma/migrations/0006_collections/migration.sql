-- An asset is in any number of collections, which are paths ("Brand/2025/Logos"): who looks for "Brand" finds what lies
-- below it too. A "/" in the name of an earlier collection becomes such a step; what is deeper than 16 levels, which no
-- call may store, becomes the name of the last one.

-- AlterTable
ALTER TABLE "Asset" ADD COLUMN "collections" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[];

UPDATE "Asset" SET "collections" = ARRAY[CASE
    WHEN cardinality(parts) > 16 THEN array_to_string(parts[1:15], '/') || '/' || array_to_string(parts[16:], ' - ')
    ELSE array_to_string(parts, '/')
END]
FROM (
    SELECT "id" AS asset, ARRAY(
        SELECT btrim(part) FROM unnest(string_to_array("collection", '/')) WITH ORDINALITY AS one(part, place)
        WHERE btrim(part) <> '' ORDER BY place
    ) AS parts
    FROM "Asset" WHERE "collection" IS NOT NULL
) AS earlier
WHERE "id" = asset AND cardinality(parts) > 0;

-- DropIndex
DROP INDEX "Asset_collection_idx";

-- AlterTable
ALTER TABLE "Asset" DROP COLUMN "collection";

-- An asset without tags has none, which its index can find; NULL it could not.
UPDATE "Asset" SET "tags" = ARRAY[]::TEXT[] WHERE "tags" IS NULL;
ALTER TABLE "Asset" ALTER COLUMN "tags" SET DEFAULT ARRAY[]::TEXT[], ALTER COLUMN "tags" SET NOT NULL;

-- Every collection and those above it, in lower case as limn_folded writes tags; it calls nothing outside pg_catalog, as
-- it is in an index. A database of the locale C folds by a collation that knows case beyond ASCII.
DO $migration$
DECLARE
    folding text := '';
BEGIN
    IF lower('Ü') <> 'ü' THEN
        SELECT format('COLLATE pg_catalog.%I', collname) INTO folding
        FROM pg_collation
        WHERE collnamespace = 'pg_catalog'::regnamespace
          AND collname IN ('pg_c_utf8', 'und-x-icu', 'C.utf8')
          AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
        ORDER BY array_position(ARRAY['pg_c_utf8', 'und-x-icu', 'C.utf8'], collname::text)
        LIMIT 1;
    END IF;
    EXECUTE format(
        $definition$
        CREATE FUNCTION limn_collection_paths(collections text[]) RETURNS text[]
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
        AS $function$
        DECLARE
            folded text := lower(collections::text %s);
            path text;
            parts text[];
            paths text[] := '{}';
        BEGIN
            IF strpos(folded, '/') = 0 THEN
                RETURN folded::text[];
            END IF;
            FOREACH path IN ARRAY folded::text[] LOOP
                parts := string_to_array(path, '/');
                FOR depth IN 1 .. cardinality(parts) LOOP
                    paths := paths || array_to_string(parts[1:depth], '/');
                END LOOP;
            END LOOP;
            RETURN paths;
        END
        $function$
        $definition$,
        coalesce(folding, '')
    );
END
$migration$;

-- Prisma models no index of an expression, and leaves it alone.
CREATE INDEX "Asset_collection_paths_idx" ON "Asset" USING GIN (limn_collection_paths("collections"));
