-- Which calls a request with an idempotency key made: those of its request id and key in the ledger, from
-- this generation id on. Where the process that carried it out is gone before the answer was kept, they
-- tell whether it may be carried out again. Null in rows of earlier versions.
ALTER TABLE idempotency ADD COLUMN request TEXT COLLATE "C";
ALTER TABLE idempotency ADD COLUMN first_generation TEXT COLLATE "C";
