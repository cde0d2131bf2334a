//! [`steps`]: the changes of a plan as statements, and as the text of a migration's file.

use crate::{Dialect, render_ddl_in};
use sequor_core::error::Result;
use sequor_core::schema::{Change, IndexDef};
use sequor_core::statement::Ddl;

/// One change with its statements.
///
/// ```
/// use sequor::prelude::*;
///
/// #[derive(Model, Clone, Debug, PartialEq)]
/// struct Note { #[field(primary_key, auto_increment)] id: i64, text: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sequor::Result<()> {
/// let db = Db::connect("sqlite::memory:").await?;
/// for step in db.sync_plan::<Note>().await? {
///     println!("{}: {}", step.what, step.statements.join("; "));
///     assert!(step.loses.is_none());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// What it does: `add column users.age`.
    pub what: String,
    /// The statements.
    pub statements: Vec<String>,
    /// What is gone afterwards.
    pub loses: Option<String>,
    /// What somebody should know before it runs.
    pub note: Option<String>,
    /// Whether it must run while foreign keys are not looked at (SQLite makes or drops a table).
    pub unchecked: bool,
}

/// The steps of a plan on one database; a change that this database needs no statement for is left out.
///
/// # Errors
/// `Usage` for what the dialect cannot do.
pub fn steps(changes: &[Change], dialect: Dialect, schema: Option<&str>) -> Result<Vec<PlanStep>> {
    let mut made = Vec::with_capacity(changes.len());
    for change in changes {
        let statements = render_ddl_in(&change.ddl, dialect, schema)?;
        if statements.is_empty() {
            continue;
        }
        let unchecked = dialect == Dialect::Sqlite && matches!(change.ddl, Ddl::RebuildTable { .. } | Ddl::DropTable { .. });
        made.push(PlanStep { what: describe(&change.ddl), statements, loses: change.loses.clone(), note: change.note.clone(), unchecked });
    }
    Ok(made)
}

/// The text of a file: each step's statements, what it loses above it.
pub fn script(steps: &[PlanStep]) -> String {
    let mut text = String::new();
    if steps.iter().any(|step| step.unchecked) {
        text.push_str("-- sequor: foreign-keys-off\n");
    }
    for step in steps {
        if let Some(loses) = &step.loses {
            text.push_str(&format!("-- loses {loses}\n"));
        }
        if let Some(note) = &step.note {
            text.push_str(&format!("-- {note}\n"));
        }
        for statement in &step.statements {
            text.push_str(&laid_out(statement));
            text.push_str(";\n");
        }
    }
    text
}

/// A new table has a line for each of its parts.
fn laid_out(statement: &str) -> String {
    if !statement.starts_with("CREATE TABLE ") {
        return statement.to_owned();
    }
    let Some(tokens) = crate::catalog::tokens::tokens(statement) else { return statement.to_owned() };
    let (mut made, mut depth, mut last) = (String::new(), 0usize, 0);
    for token in &tokens {
        let opens = token.kind.is_sign("(");
        let closes = token.kind.is_sign(")");
        if closes && depth == 1 {
            made.push_str(&statement[last..token.start]);
            made.push('\n');
            last = token.start;
        }
        if opens && depth == 0 || token.kind.is_sign(",") && depth == 1 {
            made.push_str(&statement[last..token.end]);
            made.push_str("\n  ");
            last = token.end + usize::from(token.kind.is_sign(","));
        }
        depth = if opens { depth + 1 } else { depth.saturating_sub(usize::from(closes)) };
    }
    made.push_str(statement.get(last..).unwrap_or_default());
    made
}

fn parts(index: &IndexDef) -> String {
    let parts: Vec<&str> =
        index.parts.iter().map(|part| part.column.as_deref().or(part.expression.as_deref()).unwrap_or_default()).collect();
    parts.join(", ")
}

/// A change in words.
fn describe(ddl: &Ddl) -> String {
    match ddl {
        Ddl::CreateTable { table, .. } => format!("create table {}", table.name),
        Ddl::DropTable { table, .. } => format!("drop table {table}"),
        Ddl::RenameTable { from, to } => format!("rename table {from} to {to}"),
        Ddl::AddColumn { table, column, .. } => format!("add column {table}.{}", column.name),
        Ddl::DropColumn { table, column } => format!("drop column {table}.{column}"),
        Ddl::RenameColumn { table, from, to } => format!("rename column {table}.{from} to {to}"),
        Ddl::AlterColumn { table, to, .. } => format!("change column {table}.{}", to.name),
        Ddl::CreateIndex { table, index, .. } => format!("add index {} on {table} ({})", index.name_in(table), parts(index)),
        Ddl::DropIndex { table, name, .. } => format!("drop index {name} of {table}"),
        Ddl::RenameIndex { table, from, to, .. } => format!("rename index {from} of {table} to {to}"),
        Ddl::RenameConstraint { table, from, to } => format!("rename constraint {from} of {table} to {to}"),
        Ddl::AddForeignKey { table, key } => format!("add foreign key {} of {table} to {}", key.name_in(table), key.table),
        Ddl::AddCheck { table, check } => format!("add check {} of {table}", check.name),
        Ddl::AddPrimaryKey { table, columns, .. } => format!("add primary key of {table} ({})", columns.join(", ")),
        Ddl::ChangePrimaryKey { table, columns, .. } => format!("change primary key of {table} to ({})", columns.join(", ")),
        Ddl::DropConstraint { table, name } => format!("drop constraint {name} of {table}"),
        Ddl::RebuildTable { to, .. } => format!("make table {} anew", to.name),
        Ddl::FillNulls { table, column, .. } => format!("fill column {table}.{}", column.name),
        Ddl::Relabel { table, column, from, to } => format!("rename label {from} to {to} in {table}.{column}"),
        Ddl::CreateEnum { definition, .. } => format!("create enum {}", definition.name),
        Ddl::AddEnumLabel { name, label, .. } => format!("add label {label} to enum {name}"),
        Ddl::RenameEnumLabel { name, from, to } => format!("rename label {from} to {to} in enum {name}"),
        Ddl::ReplaceEnum { definition, .. } => format!("make enum {} anew", definition.name),
        Ddl::DropEnum { name, .. } => format!("drop enum {name}"),
        Ddl::CreateSchema { name, .. } => format!("create schema {name}"),
        Ddl::DropSchema { name } => format!("drop schema {name}"),
        Ddl::Truncate { tables, .. } => format!("empty {} tables", tables.len()),
        Ddl::CreateView(view) => format!("create {} {}", view.word(), view.name),
        Ddl::DropView(view) => format!("drop {} {}", view.word(), view.name),
        Ddl::CreateOther(what) => format!("create {} {}", what.kind.word(), what.name),
        Ddl::DropOther(what) => format!("drop {} {}", what.kind.word(), what.name),
    }
}
