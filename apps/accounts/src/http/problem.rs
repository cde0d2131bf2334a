//! [`Problem`]: an error as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sequor::Error;
use serde_json::{Value, json};

#[derive(Debug)]
pub enum Problem {
    Unauthorized,
    NotFound,
    Conflict(String),
    Bad(StatusCode, String),
    Database(Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        Problem::Database(error)
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Problem {
        Problem::Bad(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        Problem::Bad(rejection.status(), rejection.body_text())
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Problem {
        Problem::Bad(rejection.status(), rejection.body_text())
    }
}

/// A field as bodies spell it.
fn in_json(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

fn answer(status: StatusCode, detail: &str, errors: Option<Value>) -> Response {
    let mut body = json!({ "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail });
    if let (Some(errors), Some(map)) = (errors, body.as_object_mut()) {
        map.insert("errors".into(), errors);
    }
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Problem::Unauthorized => answer(StatusCode::UNAUTHORIZED, "Log in first.", None),
            Problem::NotFound => answer(StatusCode::NOT_FOUND, "There is nothing here, or it is somebody else's.", None),
            Problem::Conflict(detail) => answer(StatusCode::CONFLICT, &detail, None),
            Problem::Bad(status, detail) => answer(status, &detail, None),
            Problem::Database(Error::Validation(error)) => {
                let items: Vec<Value> =
                    error.items.iter().map(|item| json!({ "field": in_json(&item.path), "message": item.message })).collect();
                answer(StatusCode::UNPROCESSABLE_ENTITY, "Some fields cannot be as they are.", Some(items.into()))
            }
            Problem::Database(Error::UniqueConstraint { fields, .. }) => {
                let verb = if fields.len() == 1 { "is" } else { "are" };
                let fields: Vec<String> = fields.iter().map(|field| in_json(field)).collect();
                answer(StatusCode::CONFLICT, &format!("{} {verb} taken.", fields.join(" and ")), None)
            }
            Problem::Database(Error::CheckConstraint { constraint, .. }) => {
                answer(StatusCode::UNPROCESSABLE_ENTITY, &format!("{constraint} does not hold."), None)
            }
            Problem::Database(error @ (Error::Connection(_) | Error::Timeout { .. })) => {
                tracing::error!("{error:#}");
                answer(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer; try again later.", None)
            }
            Problem::Database(error) => {
                tracing::error!("{error:#}");
                answer(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.", None)
            }
        }
    }
}
