//! Where the statements of a `Db` handle run: a tenant's schema, settings of the transaction, the primary server.

use super::{Db, Run, Tx};
use sequor_core::Name;
use sequor_core::driver::{Batch, Discard, Param, Step, StepDone};
use sequor_core::error::{Error, Result};
use sequor_core::statement::{Ddl, Select, Statement};
use sequor_core::types::{BindType, ScalarType};
use sequor_sql::{Dialect, Sql};

/// What a handle says about the place of its statements.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The schema of tables that name none.
    pub(crate) schema: Option<Name>,
    /// Settings of each transaction: names and values.
    pub(crate) settings: Vec<(String, String)>,
    /// Whether reads go to the primary too.
    pub(crate) primary: bool,
}

/// `^[A-Za-z_][A-Za-z0-9_]*$`, at most 63 bytes; `dots` between such parts where they are allowed.
fn is_name(name: &str, dots: bool) -> bool {
    let part = |part: &str| {
        part.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    name.len() <= 63 && if dots { name.split('.').all(part) } else { part(name) }
}

impl Db {
    /// The same database for a tenant: tables that name no schema of their own live in this one (a database on MySQL, a prefix of the name on
    /// SQLite). `sync` makes the schema. Names are qualified; `search_path` is never set. Sequelize: `Model.schema('tenant_7')`.
    ///
    /// A name that is not `[A-Za-z_][A-Za-z0-9_]*` of at most 63 bytes is a `Usage` error of every statement.
    ///
    /// ```
    /// use sequor::prelude::*;
    ///
    /// #[derive(Model, Clone, Debug, PartialEq)]
    /// pub struct Note {
    ///     #[field(primary_key, auto_increment)]
    ///     pub id: i64,
    ///     pub text: String,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("sqlite::memory:").await?;
    /// let (one, two) = (db.schema("tenant_1"), db.schema("tenant_2"));
    /// one.sync::<Note>(SyncMode::Create).await?;
    /// two.sync::<Note>(SyncMode::Create).await?;
    /// draft!(Note { text: "of the first" }).create(&one).await?;
    /// assert_eq!((Note::count().exec(&one).await?, Note::count().exec(&two).await?), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn schema(&self, name: &str) -> Db {
        self.placed(|place| place.schema = Some(Name::Owned(name.to_owned())))
    }

    /// The same database with a setting for each transaction, as row-level security reads it by `current_setting`: `SET LOCAL`, never the
    /// session's. A bare statement gets a transaction for it. PostgreSQL only; elsewhere every statement is a `Usage` error.
    ///
    /// ```no_run
    /// # use sequor::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> sequor::Result<()> {
    /// let db = Db::connect("postgres://localhost/app").await?;
    /// let scoped = db.with_setting("app.tenant", 7);
    /// // CREATE POLICY .. USING (tenant_id = current_setting('app.tenant')::bigint)
    /// let (tenant,) = scoped.query_as::<(String,)>(sql!("SELECT current_setting('app.tenant')")).await?.remove(0);
    /// assert_eq!(tenant, "7");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_setting(&self, name: &str, value: impl std::fmt::Display) -> Db {
        self.placed(|place| {
            place.settings.retain(|(known, _)| known != name);
            place.settings.push((name.to_owned(), value.to_string()));
        })
    }

    /// The same database with reads on the primary server, not on a replica.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// assert_eq!(User::count().exec(&db.primary()).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn primary(&self) -> Db {
        self.placed(|place| place.primary = true)
    }

    fn placed(&self, change: impl FnOnce(&mut Place)) -> Db {
        let mut place = (*self.place).clone();
        change(&mut place);
        Db { place: std::sync::Arc::new(place), ..self.clone() }
    }

    fn checked_schema(&self) -> Result<Option<&str>> {
        match self.place.schema.as_deref() {
            Some(schema) if !is_name(schema, false) => {
                Err(Error::usage(format!("{} cannot be a schema: a name is letters, digits and _, at most 63", schema.escape_debug())))
            }
            schema => Ok(schema),
        }
    }

    pub(crate) fn render(&self, statement: &Statement) -> Result<Sql> {
        sequor_sql::render_in(statement, self.dialect(), self.checked_schema()?)
    }

    pub(crate) fn render_select(&self, select: &Select) -> Result<Sql> {
        sequor_sql::render_select_in(select, self.dialect(), self.checked_schema()?)
    }

    pub(crate) fn render_ddl(&self, ddl: &Ddl) -> Result<Vec<String>> {
        sequor_sql::render_ddl_in(ddl, self.dialect(), self.checked_schema()?)
    }

    /// Whether a bare statement needs a transaction around it, because settings belong to one.
    pub(crate) fn needs_settings(&self) -> bool {
        self.tx.is_none() && !self.place.settings.is_empty()
    }

    /// Runs a bare batch in a transaction of its own, which has the settings.
    pub(super) async fn run_with_settings(&self, batch: Batch, run: Run) -> Result<Vec<StepDone>> {
        let kind = if run.write { Tx::default() } else { Tx::default().read_only() };
        let work = self.run_transaction(kind, async move |tx: &Db| Box::pin(tx.run(batch, run)).await, std::panic::Location::caller());
        Box::pin(work).await
    }

    /// What sets the settings at the beginning of a transaction.
    pub(super) fn settings_batch(&self) -> Result<Option<Batch>> {
        if self.place.settings.is_empty() {
            return Ok(None);
        }
        if self.dialect() != Dialect::Postgres {
            return Err(Error::unsupported("with_setting() is PostgreSQL's: elsewhere filter by the tenant's column, or use schema(..)"));
        }
        let (mut text, mut params) = (String::from("SELECT "), Vec::new());
        for (name, value) in &self.place.settings {
            if !is_name(name, true) {
                return Err(Error::usage(format!("{} cannot be a setting: write it as in \"app.tenant\"", name.escape_debug())));
            }
            let comma = if params.is_empty() { "" } else { ", " };
            text.push_str(&format!("{comma}set_config(${}, ${}, true)", params.len() + 1, params.len() + 2));
            for value in [name, value] {
                params.push(Param { value: value.as_str().into(), bind: BindType::one(ScalarType::Text) });
            }
        }
        Ok(Some(Batch::one(Step::query(text, params, Box::new(Discard)))))
    }
}
