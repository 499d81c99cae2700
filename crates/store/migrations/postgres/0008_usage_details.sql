ALTER TABLE generations
    ADD COLUMN finish_reason           TEXT COLLATE "C",
    ADD COLUMN native_finish_reason    TEXT COLLATE "C",
    ADD COLUMN cache_write_1h_tokens   BIGINT,
    ADD COLUMN audio_prompt_tokens     BIGINT,
    ADD COLUMN audio_completion_tokens BIGINT,
    ADD COLUMN image_completion_tokens BIGINT,
    ADD COLUMN prompt_images           BIGINT,
    ADD COLUMN web_searches            BIGINT;
