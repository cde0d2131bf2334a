//! Tour section 6: hooks, validation, scopes.

use sequor::AnyChange;
use sequor::Change;
use sequor::prelude::*;
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "clients", timestamps, paranoid, hooks, validate = "Client::check_contact", default_scope = "Client::active")]
pub struct Client {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub name: String,
    pub age: Option<i32>,
    pub deleted_by: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Client {
    fn check_contact(&self) -> Result<()> {
        if self.email.is_none() && self.phone.is_none() {
            return Err(Error::usage("an e-mail address or a telephone number is needed"));
        }
        Ok(())
    }

    pub fn active(q: Find<Client>) -> Find<Client> {
        q.filter(Client::DELETED_BY.is_null())
    }

    pub fn older_than(age: i32) -> impl Scope<Client> {
        move |q: Find<Client>| q.filter(Client::AGE.gt(age))
    }
}

impl Hooks for Client {
    async fn before_create(draft: &mut Draft<Client>, cx: &HookContext<'_>) -> Result<()> {
        assert_eq!(cx.operation(), "create");
        if let Some(email) = draft.get(Client::EMAIL).cloned().flatten() {
            draft.set(Client::EMAIL, email.to_lowercase());
        }
        Ok(())
    }

    async fn before_update(client: &mut Edit<Client>, _cx: &HookContext<'_>) -> Result<()> {
        if client.get(Client::NAME).is_some_and(|name| name == "forbidden") {
            return Err(Error::usage("that name is taken by the house"));
        }
        Ok(())
    }

    async fn after_commit(event: &Change<Client>, _cx: &HookContext<'_>) -> Result<()> {
        assert!(event.after()?.is_some() || event.before()?.is_some());
        Ok(())
    }
}

#[sequor::test(models(Client))]
async fn declared(db: Db) -> sequor::Result<()> {
    let ann = draft!(Client { email: "ANN@X.io", name: "Ann", age: 40 }).create(&db).await?;
    assert_eq!(ann.email.as_deref(), Some("ann@x.io"));
    assert!(draft!(Client { name: "Nobody" }).create(&db).await.is_err());
    let mut edit = ann.clone().edit();
    edit.name = "forbidden".into();
    assert!(edit.save(&db).await.is_err());
    draft!(Client { phone: "1", name: "Bo", age: 10, deleted_by: 1 }).create(&db).await?;
    assert_eq!(Client::find_all().exec(&db).await?.len(), 1);
    assert_eq!(Client::find_all().unscoped().exec(&db).await?.len(), 2);
    assert_eq!(Client::find_all().scope(Client::older_than(18)).exec(&db).await?.len(), 1);
    assert_eq!(Client::find_all().hooks(false).exec(&db).await?.len(), 1);
    Ok(())
}

#[sequor::test(models(Client))]
async fn at_run_time(db: Db) -> sequor::Result<()> {
    db.hooks::<Client>().before_destroy("keep-admins", |user, cx| {
        Box::pin(async move {
            assert_eq!(cx.operation(), "destroy");
            if user.name == "Ann" { Err(Error::usage("Ann stays")) } else { Ok(()) }
        })
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let outbox = seen.clone();
    db.global_hooks().after_change("outbox", move |change: &AnyChange, _cx| {
        let entry = format!("{} {:?} {:?}", change.model(), change.operation(), change.changed());
        let outbox = outbox.clone();
        Box::pin(async move {
            outbox.lock().unwrap().push(entry);
            Ok(())
        })
    });
    db.observe("metrics", |change| panic!("{} is never fatal", change.model()));
    let ann = draft!(Client { email: "a@x.io", name: "Ann" }).create(&db).await?;
    assert!(ann.clone().destroy(&db).await.is_err());
    assert!(db.hooks::<Client>().remove("keep-admins"));
    ann.destroy(&db).await?;
    assert_eq!(seen.lock().unwrap().len(), 2, "{seen:?}");
    Ok(())
}
