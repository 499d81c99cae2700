-- What is told of an answer besides its tokens.

-- Of the first choice: `stop`, `length`, `tool_calls`, `content_filter`, or the provider's own word
-- where none of these fits; null where the answer did not come to its end.
ALTER TABLE generations ADD COLUMN finish_reason TEXT;
ALTER TABLE generations ADD COLUMN native_finish_reason TEXT; -- in the provider's word
