ALTER TABLE users ADD COLUMN token_version integer NOT NULL DEFAULT 0;
