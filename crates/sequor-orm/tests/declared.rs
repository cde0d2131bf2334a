//! What a model declares beside its data: hooks, rules of the whole row, the default scope.

#![allow(missing_docs, clippy::unwrap_used)]

extern crate sequor_orm as sequor;

use sequor::Result;
use sequor::hook::{HookContext, Hooks};
use sequor::model::Model as _;
use sequor::query::{Find, ModelQueries as _};
use sequor::write::Draft;
use sequor_macros::{Model, draft};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(hooks, validate = "User::check_contact", validate = User::check_name, default_scope = "User::active")]
struct User {
    #[field(primary_key, auto_increment)]
    id: i64,
    name: String,
    email: Option<String>,
    phone: Option<String>,
    active: bool,
}

impl User {
    fn check_contact(draft: &Draft<User>) -> Result<(), String> {
        match (draft.get(User::EMAIL), draft.get(User::PHONE)) {
            (None, None) => Err("needs an email or a phone".to_owned()),
            _ => Ok(()),
        }
    }

    fn check_name(&self) -> bool {
        self.name != "root"
    }

    fn active(q: Find<User>) -> Find<User> {
        q.filter(User::ACTIVE.eq(true))
    }
}

impl Hooks for User {
    async fn before_create(draft: &mut Draft<User>, _cx: &HookContext<'_>) -> Result<()> {
        draft.set(User::NAME, "Ann");
        Ok(())
    }
}

#[test]
fn the_definition_points_to_the_declaration() {
    assert!(User::model().behavior.0.is_some());
    let sql = User::find_all().to_sql(sequor::Dialect::Sqlite).unwrap();
    assert!(format!("{sql:?}").contains("active"), "{sql:?}");
    let sql = User::find_all().unscoped().to_sql(sequor::Dialect::Sqlite).unwrap();
    assert!(!format!("{sql:?}").to_lowercase().contains("where"), "{sql:?}");
    let _ = draft!(User { name: "Ann", active: true });
}
