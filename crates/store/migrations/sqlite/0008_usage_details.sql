-- What is told of an answer besides its tokens.

-- Of the first choice: `stop`, `length`, `tool_calls`, `content_filter`, or the provider's own word
-- where none of these fits; null where the answer did not come to its end.
ALTER TABLE generations ADD COLUMN finish_reason TEXT;
ALTER TABLE generations ADD COLUMN native_finish_reason TEXT; -- in the provider's word

-- The other classes of usage that a price may name; null where nothing is known of the usage, and in
-- calls that were settled before these columns were there.
ALTER TABLE generations ADD COLUMN cache_write_1h_tokens INTEGER;
ALTER TABLE generations ADD COLUMN audio_prompt_tokens INTEGER;
ALTER TABLE generations ADD COLUMN audio_completion_tokens INTEGER;
ALTER TABLE generations ADD COLUMN image_completion_tokens INTEGER;
ALTER TABLE generations ADD COLUMN prompt_images INTEGER;
ALTER TABLE generations ADD COLUMN web_searches INTEGER;
