CREATE TYPE "enum_ai_providers_auth_type" AS ENUM ('api_key', 'oauth');
CREATE TABLE ai_providers (
  id uuid NOT NULL PRIMARY KEY, name varchar(100) NOT NULL, type varchar(50) NOT NULL, api_key text, base_url varchar(500), models jsonb, settings jsonb,
  is_active boolean NOT NULL DEFAULT true, is_default boolean NOT NULL DEFAULT false, auth_type "enum_ai_providers_auth_type" NOT NULL DEFAULT 'api_key',
  oauth_access_token text, oauth_refresh_token text, oauth_token_expires_at timestamptz, oauth_scope varchar(500), oauth_client_id varchar(255),
  created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE UNIQUE INDEX ai_providers_name_unique ON ai_providers (name);
CREATE INDEX ai_providers_type_idx ON ai_providers (type);
CREATE INDEX ai_providers_is_active_idx ON ai_providers (is_active);
CREATE INDEX ai_providers_is_default_idx ON ai_providers (is_default);
CREATE INDEX ai_providers_auth_type_idx ON ai_providers (auth_type);
CREATE INDEX ai_providers_oauth_token_expires_at_idx ON ai_providers (oauth_token_expires_at);
CREATE TABLE ai_interactions (
  id uuid NOT NULL PRIMARY KEY, provider_id uuid REFERENCES ai_providers (id) ON UPDATE CASCADE ON DELETE SET NULL, model varchar(100) NOT NULL, request jsonb NOT NULL, response jsonb,
  prompt_tokens integer, completion_tokens integer, total_tokens integer, response_time_ms integer, status_code integer, error text, created_at timestamptz NOT NULL);
CREATE INDEX ai_interactions_provider_id_idx ON ai_interactions (provider_id);
CREATE INDEX ai_interactions_model_idx ON ai_interactions (model);
CREATE INDEX ai_interactions_status_code_idx ON ai_interactions (status_code);
CREATE INDEX ai_interactions_created_at_idx ON ai_interactions (created_at);
CREATE TABLE api_requests (
  id uuid NOT NULL PRIMARY KEY, method varchar(10) NOT NULL, path varchar(500) NOT NULL, headers jsonb, query jsonb, body jsonb, user_agent varchar(500), ip_address varchar(45),
  status_code integer, response_time_ms integer, response_size_bytes integer, created_at timestamptz NOT NULL);
CREATE INDEX api_requests_method_idx ON api_requests (method);
CREATE INDEX api_requests_path_idx ON api_requests (path);
CREATE INDEX api_requests_status_code_idx ON api_requests (status_code);
CREATE INDEX api_requests_created_at_idx ON api_requests (created_at);
CREATE TABLE health_checks (
  id uuid NOT NULL PRIMARY KEY, status varchar(20) NOT NULL, database_status boolean NOT NULL, response_time integer NOT NULL, details jsonb, created_at timestamptz NOT NULL);
CREATE INDEX health_checks_status_idx ON health_checks (status);
CREATE INDEX health_checks_created_at_idx ON health_checks (created_at);
CREATE TABLE system_metadata (
  id uuid NOT NULL PRIMARY KEY, key varchar(255) NOT NULL, value text NOT NULL, description text, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE UNIQUE INDEX system_metadata_key_unique ON system_metadata (key);
CREATE TABLE "SequelizeMeta" (name varchar(255) NOT NULL PRIMARY KEY);
INSERT INTO "SequelizeMeta" VALUES ('20250809051256-initial-schema.cjs'), ('20250814090749-add-oauth-fields-to-ai-providers.cjs'), ('20250817-alter-api-requests-add-ms-bytes.cjs'), ('20250817-create-api-requests.cjs');
INSERT INTO ai_providers (id, name, type, created_at, updated_at) VALUES ('018f0000-0000-7000-8000-000000000001', 'Old', 'openai', now(), now());
