CREATE TABLE users (
  id integer PRIMARY KEY AUTOINCREMENT,
  email text NOT NULL,
  name text NOT NULL,
  password text NOT NULL,
  confirmed integer NOT NULL DEFAULT 0 CHECK (confirmed IN (0, 1)),
  created_at text NOT NULL,
  updated_at text NOT NULL,
  CONSTRAINT users_email_key UNIQUE (email)
);

CREATE TABLE otps (
  id integer PRIMARY KEY AUTOINCREMENT,
  user_id integer NOT NULL,
  code text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  expires_at text NOT NULL,
  used_at text,
  created_at text NOT NULL,
  updated_at text NOT NULL,
  CONSTRAINT otps_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX otps_user_id_created_at_idx ON otps (user_id, created_at DESC);

CREATE TABLE social_auths (
  id integer PRIMARY KEY AUTOINCREMENT,
  user_id integer NOT NULL,
  provider text NOT NULL,
  provider_user_id text NOT NULL,
  created_at text NOT NULL,
  updated_at text NOT NULL,
  CONSTRAINT social_auths_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX social_auths_provider_provider_user_id_key ON social_auths (provider, provider_user_id);

CREATE TABLE files (
  id integer PRIMARY KEY AUTOINCREMENT,
  user_id integer NOT NULL,
  name text NOT NULL,
  mime_type text NOT NULL,
  size integer NOT NULL,
  path text NOT NULL,
  created_at text NOT NULL,
  updated_at text NOT NULL,
  CONSTRAINT files_path_key UNIQUE (path),
  CONSTRAINT files_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX files_user_id_id_idx ON files (user_id, id DESC);

CREATE TABLE payments (
  id integer PRIMARY KEY AUTOINCREMENT,
  user_id integer NOT NULL,
  amount text COLLATE sequor_decimal NOT NULL,
  currency text NOT NULL,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'authorized', 'captured', 'refunded', 'failed')),
  idempotency_key text NOT NULL,
  created_at text NOT NULL,
  updated_at text NOT NULL,
  CONSTRAINT payments_amount_is_positive CHECK (amount > 0),
  CONSTRAINT payments_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE UNIQUE INDEX payments_user_id_idempotency_key_key ON payments (user_id, idempotency_key);
