//! [`Message`]: one stored interaction; [`MessageView`]: how the API shows it.

use crate::preview;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

/// The provider of a model, as far as a message shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Provider {
    /// Its key.
    pub id: Uuid,
    /// Its unique name.
    pub name: String,
    /// What it speaks: `openai`, `anthropic`, ..
    #[serde(rename = "type")]
    pub kind: String,
}

/// One interaction with a model, as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its key.
    pub id: Uuid,
    /// The model that was asked.
    pub model: String,
    /// Who serves the model.
    pub provider: Option<Provider>,
    /// What was sent.
    pub request: Json,
    /// What came back.
    pub response: Option<Json>,
    /// Tokens of the request.
    pub prompt_tokens: Option<i32>,
    /// Tokens of the answer.
    pub completion_tokens: Option<i32>,
    /// Both.
    pub total_tokens: Option<i32>,
    /// How long it took, in milliseconds.
    pub response_time_ms: Option<i32>,
    /// The provider's HTTP status.
    pub status_code: Option<i32>,
    /// What went wrong.
    pub error: Option<String>,
    /// When it was stored, to the microsecond.
    pub created_at: DateTime<Utc>,
}

/// A message that is to be stored.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMessage {
    /// The model that was asked.
    pub model: String,
    /// The provider's name.
    pub provider: Option<String>,
    /// What was sent.
    pub request: Json,
    /// What came back.
    pub response: Option<Json>,
    /// Tokens of the request.
    pub prompt_tokens: Option<i32>,
    /// Tokens of the answer.
    pub completion_tokens: Option<i32>,
    /// Both.
    pub total_tokens: Option<i32>,
    /// How long it took, in milliseconds.
    pub response_time: Option<i32>,
    /// The provider's HTTP status.
    pub status_code: Option<i32>,
    /// What went wrong.
    pub error: Option<String>,
}

/// What an update changes: an absent field stays, `null` empties it.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MessageChange {
    /// What came back.
    #[serde(deserialize_with = "given")]
    pub response: Option<Option<Json>>,
    /// Tokens of the request.
    #[serde(deserialize_with = "given")]
    pub prompt_tokens: Option<Option<i32>>,
    /// Tokens of the answer.
    #[serde(deserialize_with = "given")]
    pub completion_tokens: Option<Option<i32>>,
    /// Both.
    #[serde(deserialize_with = "given")]
    pub total_tokens: Option<Option<i32>>,
    /// How long it took, in milliseconds.
    #[serde(deserialize_with = "given")]
    pub response_time: Option<Option<i32>>,
    /// The provider's HTTP status.
    #[serde(deserialize_with = "given")]
    pub status_code: Option<Option<i32>>,
    /// What went wrong.
    #[serde(deserialize_with = "given")]
    pub error: Option<Option<String>>,
}

fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

fn at_least_zero(name: &'static str, value: Option<i32>, wrong: &mut Vec<(&'static str, String)>) {
    if value.is_some_and(|value| value < 0) {
        wrong.push((name, "must be 0 or more".into()));
    }
}

fn status(value: Option<i32>, wrong: &mut Vec<(&'static str, String)>) {
    if value.is_some_and(|code| !(100..=599).contains(&code)) {
        wrong.push(("statusCode", "must be between 100 and 599".into()));
    }
}

/// PostgreSQL stores no NUL, neither in text nor in jsonb; the message is refused alike on every database.
fn without_nul(name: &'static str, value: Option<&Json>, wrong: &mut Vec<(&'static str, String)>) {
    fn has(value: &Json) -> bool {
        match value {
            Json::String(text) => text.contains('\0'),
            Json::Array(list) => list.iter().any(has),
            Json::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has(value)),
            Json::Null | Json::Bool(_) | Json::Number(_) => false,
        }
    }
    if value.is_some_and(has) {
        wrong.push((name, "must not hold the character U+0000".into()));
    }
}

impl NewMessage {
    /// What is wrong with it, by field; empty when it may be stored.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.model.is_empty() || self.model.chars().count() > 100 || self.model.contains('\0') {
            wrong.push(("model", "must have 1 to 100 characters".into()));
        }
        if !(self.request.is_object() || self.request.is_array()) {
            wrong.push(("request", "must be an object or a list".into()));
        }
        if self.error.as_ref().is_some_and(|text| text.contains('\0')) {
            wrong.push(("error", "must not hold the character U+0000".into()));
        }
        without_nul("request", Some(&self.request), &mut wrong);
        without_nul("response", self.response.as_ref(), &mut wrong);
        at_least_zero("promptTokens", self.prompt_tokens, &mut wrong);
        at_least_zero("completionTokens", self.completion_tokens, &mut wrong);
        at_least_zero("totalTokens", self.total_tokens, &mut wrong);
        at_least_zero("responseTime", self.response_time, &mut wrong);
        status(self.status_code, &mut wrong);
        wrong
    }
}

impl MessageChange {
    /// What is wrong with it, by field; empty when it may be stored.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if self.error.iter().flatten().any(|text| text.contains('\0')) {
            wrong.push(("error", "must not hold the character U+0000".into()));
        }
        without_nul("response", self.response.as_ref().and_then(Option::as_ref), &mut wrong);
        at_least_zero("promptTokens", self.prompt_tokens.flatten(), &mut wrong);
        at_least_zero("completionTokens", self.completion_tokens.flatten(), &mut wrong);
        at_least_zero("totalTokens", self.total_tokens.flatten(), &mut wrong);
        at_least_zero("responseTime", self.response_time.flatten(), &mut wrong);
        status(self.status_code.flatten(), &mut wrong);
        wrong
    }
}

/// A message as the API shows it: absent values are left out.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    id: Uuid,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_tokens: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_tokens: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// At most 150 characters of what was asked.
    pub request_preview: String,
    /// At most 150 characters of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_preview: Option<String>,
    /// No error and status 200.
    pub is_success: bool,
    request: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Json>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> MessageView {
        MessageView {
            request_preview: preview::of_request(&message.request),
            response_preview: message.response.as_ref().map(preview::of_response),
            is_success: message.error.is_none() && message.status_code == Some(200),
            created_at: iso_time(message.created_at),
            id: message.id,
            model: message.model,
            provider: message.provider.map(|provider| provider.name),
            response_time: message.response_time_ms,
            total_tokens: message.total_tokens,
            prompt_tokens: message.prompt_tokens,
            completion_tokens: message.completion_tokens,
            status_code: message.status_code,
            error: message.error,
            request: message.request,
            response: message.response,
        }
    }
}

/// ISO 8601 with milliseconds and `Z`, as JavaScript's `toISOString` writes it.
pub fn iso_time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
