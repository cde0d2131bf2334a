//! Registering, confirming, logging in and out.

use super::{App, Problem, SignedIn};
use crate::models::User;
use crate::tokens::Use;
use crate::{codes, passwords};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use sequor::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

type Body<T> = std::result::Result<Json<T>, JsonRejection>;
type Answer<T = Json<Value>> = std::result::Result<T, Problem>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    email: String,
    name: String,
    password: String,
}

fn tokens(app: &App, user: &User) -> Value {
    let sign = |good_for| app.keys.sign(user.id, user.token_version, good_for);
    json!({ "accessToken": sign(Use::Access), "refreshToken": sign(Use::Refresh) })
}

pub async fn register(State(app): State<App>, body: Body<Registration>) -> Answer<(StatusCode, Json<Value>)> {
    let Json(Registration { email, name, password }) = body?;
    if !(8..=200).contains(&password.chars().count()) {
        return Err(Problem::Bad(StatusCode::UNPROCESSABLE_ENTITY, "A password has 8 to 200 characters.".into()));
    }
    // The user and the code are stored together, or neither.
    let (user, code) = app
        .db
        .transaction(async |tx| {
            let user = draft!(User { email: email.trim().to_lowercase(), name, password }).create(tx).await?;
            let code = codes::issue(&user, tx).await?;
            Ok((user, code))
        })
        .await?;
    let mut body = json!({ "user": user });
    if let (true, Some(map)) = (app.shows_codes, body.as_object_mut()) {
        map.insert("code".into(), code.into());
    }
    Ok((StatusCode::CREATED, Json(body)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    email: String,
    code: String,
}

pub async fn confirm(State(app): State<App>, body: Body<Confirmation>) -> Answer {
    let Json(Confirmation { email, code }) = body?;
    match codes::confirm(&email.trim().to_lowercase(), &code, &app.db).await? {
        Some(user) => Ok(Json(tokens(&app, &user))),
        None => Err(Problem::Bad(StatusCode::UNPROCESSABLE_ENTITY, "The code is wrong, used or too old.".into())),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    email: String,
    password: String,
}

/// A hash of nothing that anybody knows: an unknown address takes as long as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$5VtWOO3cGWYQHEMaYGbsfcmA2oWfh9cfSGrhmCJf5zE";

pub async fn login(State(app): State<App>, body: Body<Login>) -> Answer {
    let Json(Login { email, password }) = body?;
    let user = User::find_one().filter(User::EMAIL.eq(email.trim().to_lowercase())).exec(&app.db).await?;
    let hashed = user.as_ref().map_or_else(|| NOBODY.to_owned(), |user| user.password.clone());
    let fits = passwords::fits(password, hashed).await;
    match user {
        Some(user) if fits && user.confirmed => Ok(Json(tokens(&app, &user))),
        _ => Err(Problem::Unauthorized),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refresh {
    refresh_token: String,
}

pub async fn refresh(State(app): State<App>, body: Body<Refresh>) -> Answer {
    let Json(Refresh { refresh_token }) = body?;
    let claims = app.keys.read(&refresh_token, Use::Refresh).ok_or(Problem::Unauthorized)?;
    let user = User::find_by_pk(claims.sub).exec(&app.db).await?;
    match user {
        Some(user) if user.token_version == claims.version => Ok(Json(tokens(&app, &user))),
        _ => Err(Problem::Unauthorized),
    }
}

/// Revokes every token of the user.
pub async fn logout(State(app): State<App>, SignedIn(user): SignedIn) -> Answer<StatusCode> {
    user.increment(User::TOKEN_VERSION, 1, &app.db).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn me(SignedIn(user): SignedIn) -> Json<User> {
    Json(user)
}
