-- The ledger and the episodes are kept by month, so that retention frees disk by dropping a table. Rows
-- are in the month of their id, which begins with the time at which it was made; what has no month of its
-- own, such as imported episodes, whose ids are digests, is in the default partition. Months are made
-- ahead of time by the servers (db/postgres/partitions).
--
-- What an installation has already becomes the default partition: its rows are not moved, read or
-- checked. Two indexes of `episodes` are made anew and one is added. All of it holds until the end of
-- the migration: nothing reads or writes these tables meanwhile.

-- Unique over one partition says nothing of the others. Both numbers are given out by a counter in a row
-- that is locked (scopes.written, threads.message_count).
DROP INDEX episodes_by_scope;
CREATE INDEX episodes_by_scope ON episodes (workspace, assistant, user_name, sequence);
DROP INDEX episodes_by_thread;
CREATE INDEX episodes_by_thread ON episodes (workspace, thread, position);
CREATE INDEX episodes_by_time ON episodes (workspace, recorded_at);

DO $$
DECLARE
    split     RECORD;
    reference RECORD;
    own       TEXT[];
    again     TEXT[] := '{}';
    statement TEXT;
    index     TEXT;
BEGIN
    -- Nothing of the ledger refers to a call by a constraint: dropping a month would have to look for
    -- rows that do in all others. What belongs to a call or an episode is deleted with it by name.
    FOR reference IN
        SELECT conname AS name, conrelid::regclass AS owner, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint
        WHERE contype = 'f' AND confrelid IN ('generations'::regclass, 'episodes'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', reference.owner, reference.name);
        IF reference.owner NOT IN (
            'attempts'::regclass, 'reservations'::regclass, 'episode_vectors'::regclass)
        THEN
            again := again || format('ALTER TABLE %s ADD CONSTRAINT %I %s',
                reference.owner, reference.name, reference.definition);
        END IF;
    END LOOP;

    FOR split IN SELECT * FROM (VALUES
        ('generations', 'id'), ('attempts', 'generation'),
        ('episodes', 'id'), ('episode_vectors', 'episode')) AS tables (name, key)
    LOOP
        SELECT array_agg(made.statement ORDER BY made.step) INTO own FROM (
            SELECT 1 AS step, format('ALTER TABLE %I ADD CONSTRAINT %I %s',
                split.name, conname, pg_get_constraintdef(oid)) AS statement
            FROM pg_constraint
            WHERE conrelid = split.name::regclass AND contype IN ('p', 'f')
            UNION ALL
            SELECT 2, pg_get_indexdef(indexrelid)
            FROM pg_index WHERE indrelid = split.name::regclass AND NOT indisprimary
            UNION ALL
            SELECT 3, pg_get_triggerdef(oid)
            FROM pg_trigger WHERE tgrelid = split.name::regclass AND NOT tgisinternal
        ) AS made;
        FOR index IN
            SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
            WHERE i.indrelid = split.name::regclass
        LOOP
            EXECUTE format('ALTER INDEX %I RENAME TO %I', index, index || '_default');
        END LOOP;
        FOR index IN
            SELECT tgname FROM pg_trigger WHERE tgrelid = split.name::regclass AND NOT tgisinternal
        LOOP
            EXECUTE format('DROP TRIGGER %I ON %I', index, split.name);
        END LOOP;
        EXECUTE format('ALTER TABLE %I RENAME TO %I', split.name, split.name || '_default');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS
            INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION) PARTITION BY RANGE (%I)',
            split.name, split.name || '_default', split.key);
        FOREACH statement IN ARRAY own LOOP
            EXECUTE statement;
        END LOOP;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I DEFAULT',
            split.name, split.name || '_default');
    END LOOP;

    FOREACH statement IN ARRAY again LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
