-- A scope's summaries are read through its threads.
CREATE INDEX threads_by_scope ON threads (workspace, assistant, user_name, id);
