//! [`Problem`]: an error as `application/problem+json` (RFC 9457).

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use salacia_log::{BadParameter, LogError};
use serde::Serialize;
use serde_json::json;

/// What went wrong with a request.
#[derive(Debug)]
pub enum Problem {
    /// A parameter of the query or the path.
    Parameter(BadParameter),
    /// Fields of the body.
    Fields(Vec<(&'static str, String)>),
    /// The body itself.
    Body(StatusCode, String),
    /// There is nothing under that key.
    NotFound(&'static str),
    /// The data layer.
    Log(LogError),
}

impl From<BadParameter> for Problem {
    fn from(bad: BadParameter) -> Problem {
        Problem::Parameter(bad)
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Problem {
        match error {
            LogError::Refused { field, message } => Problem::Fields(vec![(field, message)]),
            other => Problem::Log(other),
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Problem {
        Problem::Body(rejection.status(), rejection.body_text())
    }
}

#[derive(Serialize)]
struct Field {
    field: &'static str,
    message: String,
}

fn problem(status: StatusCode, detail: &str, errors: Option<Vec<Field>>) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let mut body = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    if let (Some(errors), Some(map)) = (errors, body.as_object_mut()) {
        map.insert("errors".into(), json!(errors));
    }
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            // The original's own answer, which its clients read.
            Problem::Parameter(bad) if bad.name == "limit" && bad.message.starts_with("Invalid") => {
                (StatusCode::BAD_REQUEST, Json(json!({ "error": bad.message }))).into_response()
            }
            Problem::Parameter(bad) => problem(StatusCode::BAD_REQUEST, &bad.message, None),
            Problem::Fields(fields) => {
                let detail = fields.iter().map(|(field, message)| format!("{field} {message}")).collect::<Vec<_>>().join("; ");
                let errors = fields.into_iter().map(|(field, message)| Field { field, message }).collect();
                problem(StatusCode::UNPROCESSABLE_ENTITY, &detail, Some(errors))
            }
            Problem::Body(status, detail) => problem(status, &detail, None),
            Problem::NotFound(what) => problem(StatusCode::NOT_FOUND, &format!("There is no such {what}."), None),
            Problem::Log(error) => {
                // What the database said is for the log, not for strangers.
                tracing::error!("{error}");
                match error {
                    LogError::Unavailable(_) => {
                        problem(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer; try again later.", None)
                    }
                    LogError::Failed(_) | LogError::Refused { .. } => {
                        problem(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.", None)
                    }
                }
            }
        }
    }
}

/// No such page.
pub async fn not_found() -> Problem {
    Problem::NotFound("page")
}

/// Another method.
pub async fn not_allowed() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "This address takes other methods.", None)
}

/// The parameters of a query string, decoded; each may stand there once.
pub fn parameters(query: Option<&str>) -> Result<Vec<(String, String)>, Problem> {
    let pairs: Vec<(String, String)> = match query {
        Some(query) => serde_urlencoded::from_str(query)
            .map_err(|_| Problem::Body(StatusCode::BAD_REQUEST, "The query string cannot be read.".into()))?,
        None => Vec::new(),
    };
    for (index, (name, _)) in pairs.iter().enumerate() {
        if pairs[..index].iter().any(|(other, _)| other == name) {
            let short: String = name.chars().take(60).collect();
            return Err(BadParameter { message: format!("The parameter {short:?} is given twice."), name: short }.into());
        }
    }
    Ok(pairs)
}
