-- A database of the locale C knows no case beyond ASCII ("Übung" and "übung" would be two tags): where it is one, tags
-- are folded by a collation that does.
DO $migration$
DECLARE
    folding text;
BEGIN
    IF lower('Ü') = 'ü' THEN
        RETURN;
    END IF;
    SELECT format('pg_catalog.%I', collname) INTO folding
    FROM pg_collation
    WHERE collnamespace = 'pg_catalog'::regnamespace
      AND collname IN ('pg_c_utf8', 'und-x-icu', 'C.utf8')
      AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
    ORDER BY array_position(ARRAY['pg_c_utf8', 'und-x-icu', 'C.utf8'], collname::text)
    LIMIT 1;
    IF folding IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION limn_folded(tags text[]) RETURNS text[]
         LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
         AS $function$ BEGIN RETURN lower(tags::text COLLATE %s)::text[]; END $function$',
        folding
    );
    REINDEX INDEX "Asset_folded_tags_idx";
END
$migration$;
