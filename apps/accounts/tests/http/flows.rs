//! What people do, from registering to paying; two at once never get what one may have.

use crate::start::{Place, Running};
use sequor::prelude::*;
use serde_json::Value;

async fn logging_in(running: &Running) {
    let first = running.somebody("ann").await;
    let twice = running.send("POST", "/register", "", json!({ "email": "ANN@example.com", "name": "x", "password": "12345678" })).await;
    assert_eq!((twice.0.as_u16(), twice.1["detail"].as_str()), (409, Some("email is taken.")));
    let (status, body) = running.send("POST", "/register", "", json!({ "email": "nobody", "name": "", "password": "12345678" })).await;
    assert_eq!((status.as_u16(), body["errors"].as_array().map(Vec::len)), (422, Some(2)), "{body}");
    for (email, password) in [("ann@example.com", "wrong horse"), ("nobody@example.com", "correct horse")] {
        assert_eq!(running.send("POST", "/login", "", json!({ "email": email, "password": password })).await.0, 401);
    }
    let (status, tokens) = running.send("POST", "/login", "", json!({ "email": "ann@example.com", "password": "correct horse" })).await;
    assert_eq!(status, 200, "{tokens}");
    let (access, refresh) = (tokens["accessToken"].as_str().unwrap(), tokens["refreshToken"].as_str().unwrap());
    assert_eq!(running.send("GET", "/me", access, Value::Null).await.1["email"], "ann@example.com");
    // A refresh token is no access token; it gives new ones.
    assert_eq!(running.send("GET", "/me", refresh, Value::Null).await.0, 401);
    assert_eq!(running.send("POST", "/refresh", "", json!({ "refreshToken": refresh })).await.0, 200);
    assert_eq!(running.send("POST", "/logout", access, Value::Null).await.0, 204);
    for token in [access, first.as_str()] {
        assert_eq!(running.send("GET", "/me", token, Value::Null).await.0, 401, "a revoked token was taken");
    }
    assert_eq!(running.send("POST", "/refresh", "", json!({ "refreshToken": refresh })).await.0, 401);
}

/// A password that is written like a hash is hashed: nobody chooses the memory and the time that checking takes.
async fn a_hash_as_password(running: &Running) {
    let password = "$argon2id$v=19$m=1048576,t=9,p=1$c29tZXNhbHRzb21lc2FsdA$5VtWOO3cGWYQHEMaYGbsfcmA2oWfh9cfSGrhmCJf5zE";
    let register = json!({ "email": "hash@example.com", "name": "Hash", "password": password });
    let code = running.send("POST", "/register", "", register).await.1["code"].as_str().unwrap().to_owned();
    assert_eq!(running.send("POST", "/confirm", "", json!({ "email": "hash@example.com", "code": code })).await.0, 200);
    assert_eq!(running.send("POST", "/login", "", json!({ "email": "hash@example.com", "password": password })).await.0, 200);
}

async fn codes(running: &Running) {
    let register = json!({ "email": "bo@example.com", "name": "Bo", "password": "correct horse" });
    let code = running.send("POST", "/register", "", register).await.1["code"].as_str().unwrap().to_owned();
    assert_eq!(running.send("POST", "/login", "", json!({ "email": "bo@example.com", "password": "correct horse" })).await.0, 401);
    // Eight at once: one of them uses the code; at most five may try.
    let confirm = json!({ "email": "bo@example.com", "code": code });
    let tries = (0..8).map(|_| {
        let (client, url, body) = (running.client.clone(), format!("{}/confirm", running.url), confirm.clone());
        tokio::spawn(async move { client.post(url).json(&body).send().await.unwrap().status().as_u16() })
    });
    let mut answers = Vec::new();
    for attempt in tries.collect::<Vec<_>>() {
        answers.push(attempt.await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, [200, 422, 422, 422, 422, 422, 422, 422]);
    // Five wrong guesses end a code, also for who knows it.
    let register = json!({ "email": "cy@example.com", "name": "Cy", "password": "correct horse" });
    let code = running.send("POST", "/register", "", register).await.1["code"].as_str().unwrap().to_owned();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        assert_eq!(running.send("POST", "/confirm", "", json!({ "email": "cy@example.com", "code": wrong })).await.0, 422);
    }
    assert_eq!(running.send("POST", "/confirm", "", json!({ "email": "cy@example.com", "code": code })).await.0, 422);
}

async fn owning(running: &Running) {
    let (ann, eve) = (running.somebody("owner").await, running.somebody("eve").await);
    let link = json!({ "provider": "github", "providerUserId": "42" });
    assert_eq!(running.send("POST", "/social", &ann, link.clone()).await.0, 201);
    let (status, taken) = running.send("POST", "/social", &eve, link).await;
    assert_eq!((status.as_u16(), taken["detail"].as_str()), (409, Some("provider and providerUserId are taken.")));
    assert_eq!(running.send("POST", "/social", &eve, json!({ "provider": "myspace", "providerUserId": "1" })).await.0, 422);

    let stored: Value = running.upload(&ann, "notes.txt", b"hello".to_vec()).await.unwrap().json().await.unwrap();
    assert_eq!((stored["size"].as_i64(), stored.get("path")), (Some(5), None), "{stored}");
    assert_eq!(running.upload(&ann, "..%2Fevil", b"x".to_vec()).await.unwrap().status(), 422);
    // The server answers before it has read all, so that the client may see its line closed instead of the answer.
    if let Ok(answer) = running.upload(&ann, "big", vec![0; 6 * 1024 * 1024]).await {
        assert_eq!(answer.status(), 413);
    }
    assert_eq!(running.send("GET", "/files", &ann, Value::Null).await.1["count"], 1, "the large file was stored");
    let file = format!("/files/{}", stored["id"]);
    let content = running.client.get(format!("{}{file}", running.url)).bearer_auth(&ann).send().await.unwrap();
    assert_eq!(content.bytes().await.unwrap().as_ref(), b"hello");
    assert_eq!(running.send("GET", &file, &eve, Value::Null).await.0, 404);
    assert_eq!(running.send("DELETE", &file, &eve, Value::Null).await.0, 404);
    assert_eq!(running.send("GET", "/files", &eve, Value::Null).await.1["count"], 0);
    assert_eq!(running.send("DELETE", &file, &ann, Value::Null).await.0, 204);
    assert_eq!(std::fs::read_dir(running.folder.path()).unwrap().count(), 0, "something was left on the disk");
    payments(running, &ann, &eve).await;
}

async fn payments(running: &Running, ann: &str, eve: &str) {
    let pay = |token: &str, key: &str, amount: &str| {
        let body = json!({ "amount": amount, "currency": "EUR" });
        running.client.post(format!("{}/payments", running.url)).bearer_auth(token).header("idempotency-key", key).json(&body).send()
    };
    // Ten at once with one key are one payment.
    let asked: Vec<_> = (0..10).map(|_| tokio::spawn(pay(ann, "key-0001", "12.30"))).collect();
    let mut made = 0;
    for answer in asked {
        let answer = answer.await.unwrap().unwrap();
        made += usize::from(answer.status() == 201);
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
    let list = running.send("GET", "/payments", ann, Value::Null).await.1;
    let amount: Decimal = list["rows"][0]["amount"].as_str().unwrap().parse().unwrap();
    assert_eq!((made, list["count"].as_i64(), amount), (1, Some(1), Decimal::new(1230, 2)), "{list}");
    assert_eq!(pay(ann, "key-0001", "99").await.unwrap().status(), 409);
    assert_eq!(pay(eve, "key-0001", "5").await.unwrap().status(), 201, "keys are each user's own");
    for wrong in ["0", "-1", "1.001", "abc", "99999999999"] {
        assert_eq!(pay(ann, "key-0002", wrong).await.unwrap().status(), 422, "{wrong}");
    }
    let short: Value = pay(ann, "short", "1").await.unwrap().json().await.unwrap();
    let error = json!({ "field": "idempotencyKey", "message": "has 8 to 100 characters" });
    assert_eq!((short["status"].as_u64(), &short["errors"]), (Some(422), &json!([error])), "{short}");
    assert_eq!((list["pageSize"].as_u64(), list["hasNext"].as_bool(), list["hasPrevious"].as_bool()), (Some(20), Some(false), Some(false)));
    let payment = format!("/payments/{}", list["rows"][0]["id"]);
    let step = async |token: &str, step: &str| running.send("POST", &format!("{payment}/{step}"), token, Value::Null).await.0.as_u16();
    assert_eq!(step(eve, "authorize").await, 404);
    assert_eq!((step(ann, "capture").await, step(ann, "authorize").await), (409, 200));
    // Four captures at once: the lock lets one through.
    let url = format!("{}{payment}/capture", running.url);
    let captures: Vec<_> = (0..4).map(|_| tokio::spawn(running.client.post(&url).bearer_auth(ann).send())).collect();
    let mut statuses = Vec::new();
    for capture in captures {
        statuses.push(capture.await.unwrap().unwrap().status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    assert_eq!((step(ann, "fail").await, step(ann, "refund").await, step(ann, "refund").await), (409, 200, 409));
}

async fn everything(db: Db) {
    let running = Running::start(db).await;
    assert_eq!(running.send("GET", "/me", "", Value::Null).await.0, 401);
    assert_eq!(running.send("GET", "/nothing", "", Value::Null).await.0, 404);
    let index = running.send("GET", "/", "", Value::Null).await;
    assert!(index.0 == 200 && index.1["routes"]["GET /me"].is_string(), "{index:?}");
    logging_in(&running).await;
    a_hash_as_password(&running).await;
    codes(&running).await;
    owning(&running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_on_sqlite() {
    let place = Place::sqlite();
    everything(place.migrated().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_on_mysql() {
    let Some(place) = Place::mysql() else { return };
    everything(place.migrated().await).await;
    place.remove().await;
}
