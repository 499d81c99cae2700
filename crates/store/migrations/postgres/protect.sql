-- Tenancy in depth: carried out after every change of the schema, and again at no cost.
--
-- Statements name their workspace by themselves. Row-level security is the second line: a transaction
-- of a workspace runs as the role `backstay_workspace`, for which rows of any other workspace are not
-- there. What works across workspaces (finding a key by its hash, leasing jobs, recovery, expiry) runs
-- as `backstay_installation`. Both exist once per server and cannot log in.

DO $$
DECLARE
    protected TEXT;
    tenant    TEXT;
    groups    TEXT[] := ARRAY['backstay_workspace', 'backstay_installation'];
    name      TEXT;
BEGIN
    FOREACH name IN ARRAY groups LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION
                -- Another database of this server made it at the same moment.
                WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
        IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', name);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), name);
    END LOOP;

    FOR protected, tenant IN
        SELECT c.table_name, c.column_name
        FROM information_schema.columns AS c
        JOIN information_schema.tables AS t USING (table_schema, table_name)
        WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
            AND (c.column_name = 'workspace'
                OR (c.table_name = 'workspaces' AND c.column_name = 'id'))
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I
            TO backstay_workspace, backstay_installation', protected);
        CONTINUE WHEN EXISTS (SELECT 1 FROM pg_policies
            WHERE schemaname = current_schema() AND tablename = protected);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', protected);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', protected);
        EXECUTE format('CREATE POLICY of_workspace ON %I TO backstay_workspace
            USING (%I = current_setting(''backstay.workspace'', true))', protected, tenant);
        EXECUTE format('CREATE POLICY of_installation ON %I TO backstay_installation
            USING (true)', protected);
    END LOOP;

    -- What is the same for every tenant, and what only the installation looks at.
    GRANT SELECT, INSERT, UPDATE, DELETE ON prices, model_lists, nodes TO backstay_installation;
    GRANT SELECT ON schema_migrations TO backstay_installation;
END
$$;
