//! The five models, on the tables that Salacia's own Sequelize migrations made.

use crate::hooks::count_update;
use salacia_log::{EventKind, Events};
use sequor::Change;
use sequor::prelude::*;

/// How a provider lets us in.
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(name = "enum_ai_providers_auth_type", rename_all = "snake_case")]
pub enum AuthType {
    ApiKey,
    #[db_enum(rename = "oauth")]
    OAuth,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "ai_providers",
    timestamps,
    json = "camelCase",
    index(columns("kind"), name = "ai_providers_type_idx"),
    index(columns("is_active"), name = "ai_providers_is_active_idx"),
    index(columns("is_default"), name = "ai_providers_is_default_idx"),
    index(columns("auth_type"), name = "ai_providers_auth_type_idx"),
    index(columns("oauth_token_expires_at"), name = "ai_providers_oauth_token_expires_at_idx")
)]
pub struct AiProvider {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    #[field(unique = "ai_providers_name_unique", validate(len(min = 1, max = 100)))]
    pub name: String,
    #[field(column = "type", json = "type", validate(len(max = 50)))]
    pub kind: String,
    #[field(sensitive, hidden)]
    pub api_key: Option<String>,
    #[field(validate(len(max = 500)))]
    pub base_url: Option<String>,
    pub models: Option<Json>,
    pub settings: Option<Json>,
    #[field(default = true)]
    pub is_active: bool,
    #[field(default = false)]
    pub is_default: bool,
    #[field(default = AuthType::ApiKey)]
    pub auth_type: AuthType,
    #[field(sensitive, hidden)]
    pub oauth_access_token: Option<String>,
    #[field(sensitive, hidden)]
    pub oauth_refresh_token: Option<String>,
    pub oauth_token_expires_at: Option<DateTime<Utc>>,
    #[field(validate(len(max = 500)))]
    pub oauth_scope: Option<String>,
    #[field(validate(len(max = 255)))]
    pub oauth_client_id: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,

    #[relation(foreign_key = "provider_id")]
    pub interactions: HasMany<AiInteraction>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "ai_interactions",
    timestamps(updated = false),
    hooks,
    index(columns("provider_id"), name = "ai_interactions_provider_id_idx"),
    index(columns("model"), name = "ai_interactions_model_idx"),
    index(columns("status_code"), name = "ai_interactions_status_code_idx"),
    index(columns("created_at"), name = "ai_interactions_created_at_idx")
)]
pub struct AiInteraction {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    pub provider_id: Option<Uuid>,
    #[field(validate(len(min = 1, max = 100)))]
    pub model: String,
    pub request: Json,
    pub response: Option<Json>,
    pub prompt_tokens: Option<i32>,
    pub completion_tokens: Option<i32>,
    pub total_tokens: Option<i32>,
    pub response_time_ms: Option<i32>,
    pub status_code: Option<i32>,
    pub error: Option<String>,
    pub created_at: DateTime<Utc>,

    #[relation(foreign_key = "provider_id", on_update = "cascade", on_delete = "set null")]
    pub provider: BelongsTo<Option<AiProvider>>,
}

impl Hooks for AiInteraction {
    async fn before_update(interaction: &mut Edit<AiInteraction>, _: &HookContext<'_>) -> Result<()> {
        tracing::debug!(id = %interaction.id, "an interaction is being updated");
        Ok(())
    }

    async fn after_update(interaction: &Edit<AiInteraction>, _: &HookContext<'_>) -> Result<()> {
        tracing::info!(id = %interaction.id, "updated an interaction");
        count_update();
        Ok(())
    }

    /// Tells the connected browsers, once the change is durable.
    async fn after_commit(change: &Change<AiInteraction>, cx: &HookContext<'_>) -> Result<()> {
        let Some(events) = cx.db().extras().get::<Events>() else { return Ok(()) };
        let kind = match change.operation() {
            sequor::Operation::Create => EventKind::Created,
            sequor::Operation::Update => EventKind::Updated,
            _ => return Ok(()),
        };
        if let Some(interaction) = change.after()? {
            interaction.load(AiInteraction::PROVIDER, cx.db()).await?;
            events.publish(kind, crate::sequor_log::message(interaction)?);
        }
        Ok(())
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "api_requests",
    timestamps(updated = false),
    index(columns("method"), name = "api_requests_method_idx"),
    index(columns("path"), name = "api_requests_path_idx"),
    index(columns("status_code"), name = "api_requests_status_code_idx"),
    index(columns("created_at"), name = "api_requests_created_at_idx")
)]
pub struct ApiRequest {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    #[field(validate(len(max = 10)))]
    pub method: String,
    #[field(validate(len(max = 500)))]
    pub path: String,
    pub headers: Option<Json>,
    pub query: Option<Json>,
    pub body: Option<Json>,
    #[field(validate(len(max = 500)))]
    pub user_agent: Option<String>,
    #[field(validate(len(max = 45)))]
    pub ip_address: Option<String>,
    pub status_code: Option<i32>,
    pub response_time_ms: Option<i32>,
    pub response_size_bytes: Option<i32>,
    pub created_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "health_checks",
    timestamps(updated = false),
    index(columns("status"), name = "health_checks_status_idx"),
    index(columns("created_at"), name = "health_checks_created_at_idx")
)]
pub struct HealthCheck {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    #[field(validate(len(max = 20)))]
    pub status: String,
    pub database_status: bool,
    pub response_time: i32,
    pub details: Option<Json>,
    pub created_at: DateTime<Utc>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "system_metadata", timestamps)]
pub struct SystemMetadata {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    #[field(unique = "system_metadata_key_unique", validate(len(min = 1, max = 255)))]
    pub key: String,
    pub value: String,
    pub description: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

models!(pub type All = AiProvider, AiInteraction, ApiRequest, HealthCheck, SystemMetadata);
