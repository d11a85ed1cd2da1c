-- When an image was taken, as its file or a caller says.

-- AlterTable
ALTER TABLE "Asset" ADD COLUMN "takenAt" TIMESTAMPTZ(3);

-- Orders of the library. Each index serves both directions; rows without a date come last in both, and are read apart.

-- CreateIndex
CREATE INDEX "Asset_takenAt_id_idx" ON "Asset"("takenAt", "id");

-- CreateIndex
CREATE INDEX "Asset_updatedAt_id_idx" ON "Asset"("updatedAt", "id");

-- CreateIndex
CREATE INDEX "Asset_bytes_id_idx" ON "Asset"("bytes", "id");

-- What names are sorted by: in lower case, without accents, and numbers by their value ("img 9" before "img 10"). The same
-- in every database, whatever its locale and its version of ICU, so that the index stays right. It calls nothing outside
-- pg_catalog, as it is in an index; it is cut, as an index takes 2.7 KB. Databases of other encodings than UTF-8 keep
-- their accents.
DO $migration$
DECLARE
    folding text := '';
    plain text := 'name';
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
    IF current_setting('server_encoding') = 'UTF8' THEN
        plain := $$regexp_replace(normalize(name, NFKD), U&'[\0300-\036F]', '', 'g')$$;
    END IF;
    EXECUTE format(
        $definition$
        CREATE FUNCTION limn_name_key(name text) RETURNS text
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
        AS $function$
        DECLARE
            folded text := lower(%1$s %2$s);
        BEGIN
            IF folded ~ '[0-9]' THEN
                folded := regexp_replace(folded, '([0-9]+)', repeat('0', 19) || '\1', 'g');
                folded := regexp_replace(folded, '[0-9]*([0-9]{20})(?![0-9])', '\1', 'g');
            END IF;
            RETURN left(folded, 400) COLLATE "C";
        END
        $function$;

        CREATE FUNCTION limn_fold(label text) RETURNS text
        LANGUAGE sql IMMUTABLE PARALLEL SAFE
        AS $function$ SELECT lower(label %2$s) $function$;
        $definition$,
        plain,
        coalesce(folding, '')
    );
END
$migration$;

-- Prisma models no index of an expression, and leaves it alone.
CREATE INDEX "Asset_name_key_idx" ON "Asset" ((limn_name_key("name") COLLATE "C"), "id");

-- How many images have each tag, lie in each collection, and so on: kept, as counting a million of them takes a second.
-- Triggers note what each statement changes, in rows of their own, so that no two writers wait for one another; servers
-- add those up into "AssetCount" from time to time. The sum of both tables is exact at any moment. Who loads rows with
-- triggers off runs `SELECT limn_recount()` afterwards.

-- CreateTable
CREATE TABLE "AssetCount" (
    "facet" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "count" BIGINT NOT NULL,

    CONSTRAINT "AssetCount_pkey" PRIMARY KEY ("facet","key","label")
);

-- CreateTable
CREATE TABLE "AssetCountChange" (
    "id" BIGSERIAL NOT NULL,
    "facet" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "count" BIGINT NOT NULL,

    CONSTRAINT "AssetCountChange_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "AssetCountChange_facet_key_idx" ON "AssetCountChange"("facet", "key");

-- The collections of an image and those above them as they are written, in the order of limn_collection_paths.
CREATE FUNCTION limn_collection_labels(collections text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    path text;
    parts text[];
    paths text[] := '{}';
BEGIN
    FOREACH path IN ARRAY collections LOOP
        parts := string_to_array(path, '/');
        FOR depth IN 1 .. cardinality(parts) LOOP
            paths := paths || array_to_string(parts[1:depth], '/');
        END LOOP;
    END LOOP;
    RETURN paths;
END
$$;

-- The nearest of the usual shapes; prisma/lists/aspects.ts has their bounds.
CREATE FUNCTION limn_aspect(width int, height int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN width < 0.41 * height THEN '1:3'
        WHEN width < 0.53 * height THEN '1:2'
        WHEN width < 0.61 * height THEN '9:16'
        WHEN width < 0.71 * height THEN '2:3'
        WHEN width < 0.775 * height THEN '3:4'
        WHEN width < 0.9 * height THEN '4:5'
        WHEN width < 1.11 * height THEN '1:1'
        WHEN width < 1.29 * height THEN '5:4'
        WHEN width < 1.41 * height THEN '4:3'
        WHEN width < 1.63 * height THEN '3:2'
        WHEN width < 1.88 * height THEN '16:9'
        WHEN width < 2.45 * height THEN '2:1'
        ELSE '3:1'
    END
$$;

-- What images count for, by facet: the same query over those that were added, removed or changed, or over all.
DO $migration$
DECLARE
    tally text := $query$
        SELECT 'tags' AS facet, limn_fold(one.label) AS key, one.label, count(*) AS count
        FROM %1$s AS a CROSS JOIN LATERAL unnest(a."tags") AS one(label)
        GROUP BY one.label
        UNION ALL
        SELECT 'collections', one.key, one.label, sum(lists.count)
        FROM (SELECT a."collections", count(*) AS count FROM %1$s AS a GROUP BY a."collections") AS lists
        CROSS JOIN LATERAL (
            SELECT path.key, min(path.label) AS label
            FROM unnest(limn_collection_paths(lists."collections"), limn_collection_labels(lists."collections")) AS path(key, label)
            GROUP BY path.key
        ) AS one
        GROUP BY one.key, one.label
        UNION ALL
        SELECT one.facet, one.label, one.label, sum(kinds.count)
        FROM (
            SELECT a."mimeType" AS type, sign(a."width" - a."height") AS side, limn_aspect(a."width", a."height") AS aspect,
                to_char(a."takenAt" AT TIME ZONE 'UTC', 'YYYY') AS year, a."status"::text AS status, count(*) AS count
            FROM %1$s AS a GROUP BY 1, 2, 3, 4, 5
        ) AS kinds
        CROSS JOIN LATERAL (VALUES
            ('all', ''), ('types', kinds.type), ('aspect', kinds.aspect), ('years', kinds.year), ('statuses', kinds.status),
            ('orientation', CASE kinds.side WHEN 1 THEN 'LANDSCAPE' WHEN 0 THEN 'SQUARE' ELSE 'PORTRAIT' END)
        ) AS one(facet, label)
        WHERE one.label IS NOT NULL
        GROUP BY one.facet, one.label
    $query$;
    changed text := $query$
        (SELECT %1$s.* FROM removed JOIN added ON added."id" = removed."id" AND
            (added."tags", added."collections", added."mimeType", added."width", added."height", added."takenAt", added."status")
            IS DISTINCT FROM
            (removed."tags", removed."collections", removed."mimeType", removed."width", removed."height", removed."takenAt", removed."status"))
    $query$;
    noted text := $body$
        BEGIN
            %s
            INSERT INTO "AssetCountChange" ("facet", "key", "label", "count")
            SELECT change.facet, change.key, change.label, %s * change.count FROM (%s) AS change;
            RETURN NULL;
        END
    $body$;
BEGIN
    EXECUTE format('CREATE FUNCTION limn_count_added() RETURNS trigger LANGUAGE plpgsql AS %L', format(noted, '', 1, format(tally, 'added')));
    EXECUTE format('CREATE FUNCTION limn_count_removed() RETURNS trigger LANGUAGE plpgsql AS %L', format(noted, '', -1, format(tally, 'removed')));
    EXECUTE format(
        'CREATE FUNCTION limn_count_changed() RETURNS trigger LANGUAGE plpgsql AS %L',
        -- Most updates change nothing that is counted.
        format(noted, format('IF NOT EXISTS %s THEN RETURN NULL; END IF;', format(changed, 'added')), 1, format(
            'SELECT facet, key, label, sum(count) AS count FROM (%s UNION ALL SELECT facet, key, label, -count FROM (%s) AS before) AS sides GROUP BY 1, 2, 3 HAVING sum(count) <> 0',
            format(tally, format(changed, 'added')),
            format(tally, format(changed, 'removed'))
        ))
    );
    EXECUTE format('CREATE FUNCTION limn_recount() RETURNS void LANGUAGE plpgsql AS %L', format($body$
        BEGIN
            LOCK TABLE "Asset" IN SHARE MODE;
            DELETE FROM "AssetCount";
            DELETE FROM "AssetCountChange";
            INSERT INTO "AssetCount" ("facet", "key", "label", "count") %s;
        END
    $body$, format(tally, '"Asset"')));
END
$migration$;

CREATE TRIGGER limn_count_added AFTER INSERT ON "Asset"
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION limn_count_added();
CREATE TRIGGER limn_count_removed AFTER DELETE ON "Asset"
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION limn_count_removed();
CREATE TRIGGER limn_count_changed AFTER UPDATE ON "Asset"
    REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION limn_count_changed();

SELECT limn_recount();
