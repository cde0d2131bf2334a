//! [`Generator`]: writes migrations from models, against a snapshot, without a database.

use crate::model::ModelList;
use sequor_core::Name;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Asked, ModelDef, Models, Renames, Schema, TableDef, diff, told};
use sequor_sql::Dialect;
use sequor_sql::migration::{PlanStep, script, steps};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Writes the migration that leads from a snapshot to the models, for one database or several.
///
/// ```
/// use sequor::prelude::*;
/// use sequor::{Generator, Schema};
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// #[model(table = "pets")]
/// pub struct Pet {
///     #[field(primary_key, auto_increment)]
///     pub id: i64,
///     pub name: String,
/// }
///
/// # fn main() -> sequor::Result<()> {
/// let generator = Generator::of::<Pet>().dialects([Dialect::Sqlite]);
/// let made = generator.generate(&Schema::default())?.expect("a table");
/// assert!(made.files["up.sql"].starts_with("CREATE TABLE \"pets\""));
/// assert!(made.files["down.sql"].ends_with("-- loses table pets\nDROP TABLE \"pets\";\n"));
/// assert!(generator.generate(&made.schema()?)?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Generator {
    wanted: Wanted,
    dialects: Vec<Dialect>,
    renames: Vec<String>,
    asked: Asked,
}

/// Where the way leads.
#[derive(Clone, Debug)]
enum Wanted {
    Models(Vec<Arc<ModelDef>>),
    Schema(Box<Schema>),
}

/// A migration that was written.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::{Generator, Schema};
/// if let Some(migration) = Generator::of::<(User, Post)>().dialects([Dialect::Sqlite]).generate(&Schema::default())? {
///     assert_eq!(migration.files.keys().collect::<Vec<_>>(), ["down.sql", "up.sql"]);
///     assert_eq!(migration.schema()?.tables.len(), 2);
/// }
/// # drop((db, ann));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct GeneratedMigration {
    /// The files by name: `up.sql` and `down.sql`, or one for each database where they differ.
    pub files: BTreeMap<String, String>,
    /// The snapshot of the models, which the next migration starts from.
    pub snapshot: serde_json::Value,
    /// What it does.
    pub steps: Vec<PlanStep>,
    /// Why there is no `down.sql`.
    pub irreversible: Option<String>,
}

impl GeneratedMigration {
    /// The snapshot as a description.
    ///
    /// # Errors
    /// None but bugs.
    pub fn schema(&self) -> Result<Schema> {
        Schema::from_json(&self.snapshot)
    }
}

/// Finds models by name in a list.
struct Listed<'a>(&'a [Arc<ModelDef>]);

impl Models for Listed<'_> {
    fn by_name(&self, name: &str) -> Option<Arc<ModelDef>> {
        self.0.iter().find(|model| model.name == name).cloned()
    }
}

impl Generator {
    /// For these models, on PostgreSQL, MySQL and SQLite.
    pub fn new(models: Vec<Arc<ModelDef>>) -> Generator {
        Generator::towards(Wanted::Models(models))
    }

    fn towards(wanted: Wanted) -> Generator {
        let dialects = vec![Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite];
        Generator { wanted, dialects, renames: Vec::new(), asked: Asked::default() }
    }

    /// For a description instead of models: another database's catalog, another snapshot.
    pub fn to_schema(schema: Schema) -> Generator {
        Generator::towards(Wanted::Schema(Box::new(schema)))
    }

    /// For a list of models.
    pub fn of<L: ModelList>() -> Generator {
        Generator::new(L::models())
    }

    /// Only for these databases.
    #[must_use]
    pub fn dialects(mut self, dialects: impl IntoIterator<Item = Dialect>) -> Generator {
        self.dialects = dialects.into_iter().collect();
        self
    }

    /// Says that something has another name now: `users:people`, `people.mail:email`, or `role.ADMIN:OWNER` for a label of an enum.
    #[must_use]
    pub fn rename(mut self, text: impl Into<String>) -> Generator {
        self.renames.push(text.into());
        self
    }

    /// Says that the values of a column, `users.age`, may become another type although some may be refused or lose something.
    ///
    /// # Errors
    /// `Migration` for a text of another form.
    pub fn cast(mut self, column: &str) -> Result<Generator> {
        self.asked.casts.push(of_table(column, "--cast")?);
        Ok(self)
    }

    /// Gives the rows that have no value one: `users.phone='none'`.
    ///
    /// # Errors
    /// `Migration` for a text of another form.
    pub fn fill(mut self, text: &str) -> Result<Generator> {
        let wrong = || Error::migration(format!("--fill {}: write table.column=SQL", text.escape_debug()));
        let (column, sql) = text.split_once('=').ok_or_else(wrong)?;
        let (table, column) = of_table(column, "--fill")?;
        self.asked.fills.push((table, column, Name::Owned(sql.to_owned())));
        Ok(self)
    }

    /// What the models want to have.
    ///
    /// # Errors
    /// `Usage` for a relation whose models are not found.
    pub fn schema(&self) -> Result<Schema> {
        match &self.wanted {
            Wanted::Models(models) => Schema::of_models(models, &Listed(models)),
            Wanted::Schema(schema) => Ok((**schema).clone()),
        }
    }

    /// The steps from a description to the models on one database.
    ///
    /// # Errors
    /// `Migration` for what needs a decision; `Usage` for what the database does not have.
    pub fn plan(&self, from: &Schema, dialect: Dialect) -> Result<Vec<PlanStep>> {
        let to = self.schema()?;
        let changes = diff(from, &to, &self.renames(from, &to)?, &self.asked, &dialect)?;
        steps(&changes, dialect, None)
    }

    /// The steps from a description to the models, whatever they need decided: for comparing.
    ///
    /// # Errors
    /// `Usage` for what a database does not have.
    pub fn differences(&self, from: &Schema) -> Result<Vec<PlanStep>> {
        let asked = Asked { every_cast: true, ..Asked::default() };
        let to = self.schema()?;
        let renames = Renames::declared(from, &to);
        for dialect in &self.dialects {
            let found = steps(&diff(from, &to, &renames, &asked, dialect)?, *dialect, None)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    fn renames(&self, from: &Schema, to: &Schema) -> Result<Renames> {
        let mut renames = Renames::declared(from, to);
        // Tables first: columns are looked for under their table's new name.
        let (columns, tables): (Vec<_>, Vec<_>) = self.renames.iter().partition(|text| text.contains('.'));
        for text in tables.into_iter().chain(columns) {
            renames.ask(text, from, to)?;
        }
        Ok(renames)
    }

    /// The migration from a description to the models; `None` when they are the same.
    ///
    /// # Errors
    /// As [`Generator::plan`].
    pub fn generate(&self, from: &Schema) -> Result<Option<GeneratedMigration>> {
        let to = self.schema()?;
        let renames = self.renames(from, &to)?;
        // The next migration starts from its snapshot, which must not forget what only a database said.
        let to = told(from, &to, &renames);
        let back = Asked { every_cast: true, zeroes: true, ..Asked::default() };
        let (mut ups, mut downs, mut first, mut irreversible) = (Vec::new(), Vec::new(), Vec::new(), None);
        for dialect in &self.dialects {
            let plan = steps(&diff(from, &to, &renames, &self.asked, dialect)?, *dialect, None)?;
            ups.push((*dialect, script(&plan)));
            if first.is_empty() {
                first = plan;
            }
            match diff(&to, from, &renames.reversed(), &back, dialect).and_then(|changes| steps(&changes, *dialect, None)) {
                Ok(plan) => downs.push((*dialect, script(&plan))),
                Err(error) => irreversible = Some(error.to_string()),
            }
        }
        if ups.iter().all(|(_, text)| text.is_empty()) {
            return Ok(None);
        }
        let mut files = BTreeMap::new();
        add_files(&mut files, "up", &ups);
        if irreversible.is_none() {
            add_files(&mut files, "down", &downs);
        }
        Ok(Some(GeneratedMigration { files, snapshot: to.to_json(), steps: first, irreversible }))
    }

    /// What looks as if it had another name now: a column that is gone beside a new one of the same type, a table that is gone beside a new one with
    /// most of its columns. Each as [`Generator::rename`] takes it. Nothing is ever renamed because of it.
    ///
    /// # Errors
    /// As [`Generator::schema`].
    pub fn candidates(&self, from: &Schema) -> Result<Vec<String>> {
        let to = self.schema()?;
        let renames = self.renames(from, &to)?;
        let mut found = Vec::new();
        let is_new =
            |table: &&TableDef| from.table(&table.name).is_none() && !renames.tables.iter().any(|(_, new)| *new == table.name.name);
        for new in to.tables.iter().filter(is_new) {
            let gone = |old: &&TableDef| to.table(&old.name).is_none() && !renames.tables.iter().any(|(known, _)| *known == old.name.name);
            for old in from.tables.iter().filter(gone) {
                let shared = old.columns.iter().filter(|column| new.column(&column.name).is_some()).count();
                if shared * 2 > old.columns.len() {
                    found.push(format!("{}:{}", old.name.name, new.name.name));
                }
            }
        }
        for new in &to.tables {
            let Some(old) = from.table(&new.name) else { continue };
            let known = |name: &Name| renames.columns.iter().any(|(table, old, to)| *table == new.name.name && (old == name || to == name));
            for added in new.columns.iter().filter(|column| old.column(&column.name).is_none() && !known(&column.name)) {
                for gone in old.columns.iter().filter(|column| new.column(&column.name).is_none() && !known(&column.name)) {
                    if added.ty == gone.ty {
                        found.push(format!("{}.{}:{}", new.name.name, gone.name, added.name));
                    }
                }
            }
        }
        Ok(found)
    }
}

fn of_table(text: &str, option: &str) -> Result<(Name, Name)> {
    let (table, column) =
        text.trim().split_once('.').ok_or_else(|| Error::migration(format!("{option} {}: write table.column", text.escape_debug())))?;
    Ok((Name::Owned(table.to_owned()), Name::Owned(column.to_owned())))
}

/// One file where the texts are the same, else one for each database.
fn add_files(files: &mut BTreeMap<String, String>, part: &str, texts: &[(Dialect, String)]) {
    let Some((_, first)) = texts.first() else { return };
    if texts.iter().all(|(_, text)| text == first) {
        files.insert(format!("{part}.sql"), first.clone());
        return;
    }
    for (dialect, text) in texts {
        let text = if text.is_empty() { format!("-- nothing to do on {}\n", dialect.name()) } else { text.clone() };
        files.insert(format!("{part}.{}.sql", dialect.name()), text);
    }
}
