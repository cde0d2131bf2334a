CREATE TABLE users (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  email varchar(255) NOT NULL,
  name varchar(80) NOT NULL,
  password longtext NOT NULL,
  confirmed tinyint(1) NOT NULL DEFAULT 0,
  created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL,
  UNIQUE KEY users_email_key (email)
);

CREATE TABLE otps (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id bigint NOT NULL,
  code longtext NOT NULL,
  attempts int NOT NULL DEFAULT 0,
  expires_at datetime(6) NOT NULL,
  used_at datetime(6),
  created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL,
  KEY otps_user_id_created_at_idx (user_id, created_at DESC),
  CONSTRAINT otps_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE social_auths (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id bigint NOT NULL,
  provider varchar(255) NOT NULL,
  provider_user_id varchar(191) NOT NULL,
  created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL,
  UNIQUE KEY social_auths_provider_provider_user_id_key (provider, provider_user_id),
  CONSTRAINT social_auths_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE files (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id bigint NOT NULL,
  name varchar(255) NOT NULL,
  mime_type varchar(100) NOT NULL,
  size bigint NOT NULL,
  path varchar(255) NOT NULL,
  created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL,
  UNIQUE KEY files_path_key (path),
  KEY files_user_id_id_idx (user_id, id DESC),
  CONSTRAINT files_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE payments (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id bigint NOT NULL,
  amount decimal(12,2) NOT NULL,
  currency longtext NOT NULL,
  status enum('pending', 'authorized', 'captured', 'refunded', 'failed') NOT NULL DEFAULT 'pending',
  idempotency_key varchar(100) NOT NULL,
  created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL,
  UNIQUE KEY payments_user_id_idempotency_key_key (user_id, idempotency_key),
  CONSTRAINT payments_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT payments_amount_is_positive CHECK (amount > 0)
);
