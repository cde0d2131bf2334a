#[path = "../models.rs"]
mod models;

use models::*;
use sequor::prelude::*;

fn main() {
    let name = String::from("Ann");
    let email = "ann@x.io";
    let drafts = vec![draft!(Post { title: "a", user_id: 1 })];
    let tag = draft!(Tag { name: "sql" });
    let stored = row();
    let _ = draft!(User { email, name });
    let _ = draft!(User { email, name: &stored.name, posts: drafts });
    let _ = draft!(User { email, name: "Bo", age: 18, role: Role::Admin, posts: [{ title: "Hi", tags: [{ name: "rust" }, tag] }, { title: "Ho" }] });
    let _ = draft!(User { email, name: "Bo", age: Some(18), posts: [] });
    let _ = draft!(User {
        email: {
            let text = "a";
            text
        },
        name: if email.is_empty() { "a" } else { "b" },
        age: None
    });
    let _ = draft!(models::Post { title: "Hi", user: &stored });
    let _ = draft!(Post { title: "Hi", user: { email: "c@x.io", name: "Cy" } });
    let _ = draft!(Post { title: "Hi", user_id: stored.id, tags: Vec::<Tag>::new() });
    let _: Vec<Draft<Tag>> = ["a", "b"].iter().map(|name| draft!(Tag { name: *name })).collect();
}

fn row() -> User {
    let now = Utc::now();
    let json = json!({ "id": 1, "email": "a", "name": "b", "role": "ADMIN", "age": null, "created_at": now, "updated_at": now });
    serde_json::from_value(json).unwrap()
}

#[test]
fn compiles_and_runs() {
    main();
}
