-- Servers that share this database hear at once when a key was changed or taken back, or when budgets were
-- set or removed: what they remember of keys is then looked up again. It is sent when the change is
-- committed, also when it was made by hand. Both tables change rarely, so that the lock that PostgreSQL
-- takes for a notification at a commit is in nobody's way.
CREATE FUNCTION tell_key_changes() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('backstay_keys', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER tell_key_changes AFTER UPDATE OR DELETE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION tell_key_changes();
CREATE TRIGGER tell_key_changes AFTER INSERT OR DELETE ON budgets
    FOR EACH STATEMENT EXECUTE FUNCTION tell_key_changes();
