//! [`QueryPlan`]: how a database would run a query, as it says it and as a tree.

use super::{reading, run_decoded};
use crate::db::Db;
use crate::plan;
use crate::query::QueryState;
use sequor_core::Value;
use sequor_core::driver::RowReader;
use sequor_core::error::Result;
use sequor_core::statement::{Alias, Select, SourceKind};
use sequor_sql::{Dialect, Sql};
use serde_json::Value as Json;
use std::fmt;
use std::ops::Deref;
use std::panic::Location;

/// How a database would run a query: a tree of steps, and the database's own text, as which it shows and dereferences.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let plan = User::find_all().filter(User::NAME.eq("Ann")).explain(&db).await?;
/// println!("{plan}");
/// assert!(plan.whole_tables().is_empty(), "the unique key is used: {:?}", plan.indexes());
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QueryPlan {
    text: String,
    roots: Vec<PlanNode>,
}

/// One step of a plan. What a database does not tell is `None`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let plan = User::find_all().explain(&db).await?;
/// for node in plan.steps() {
///     println!("{node:?}");
/// }
/// assert_eq!(plan.roots().len(), 1);
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanNode {
    /// What is done, in the database's words: `Index Scan`, `SEARCH`, `ref`.
    pub operation: String,
    /// The table that is read.
    pub table: Option<String>,
    /// The index that is used; `PRIMARY KEY` for the rows' own order on SQLite.
    pub index: Option<String>,
    /// How many rows are expected.
    pub rows: Option<f64>,
    /// What it is expected to cost, in the database's own unit.
    pub cost: Option<f64>,
    /// Whether every row of the table is read.
    pub whole: bool,
    /// The rest of what the database says.
    pub detail: String,
    /// The steps whose rows it takes.
    pub children: Vec<PlanNode>,
}

impl QueryPlan {
    /// The plan in the database's own words.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The outermost steps.
    pub fn roots(&self) -> &[PlanNode] {
        &self.roots
    }

    /// All steps, each before those below it.
    pub fn steps(&self) -> Vec<&PlanNode> {
        fn gather<'a>(nodes: &'a [PlanNode], steps: &mut Vec<&'a PlanNode>) {
            for node in nodes {
                steps.push(node);
                gather(&node.children, steps);
            }
        }
        let mut steps = Vec::new();
        gather(&self.roots, &mut steps);
        steps
    }

    /// The indexes that are used.
    pub fn indexes(&self) -> Vec<&str> {
        self.steps().into_iter().filter_map(|node| node.index.as_deref()).collect()
    }

    /// The tables of which every row is read.
    pub fn whole_tables(&self) -> Vec<&str> {
        self.steps().into_iter().filter(|node| node.whole).filter_map(|node| node.table.as_deref()).collect()
    }
}

impl fmt::Display for QueryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Deref for QueryPlan {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<str> for QueryPlan {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl From<QueryPlan> for String {
    fn from(plan: QueryPlan) -> String {
        plan.text
    }
}

/// How the database would run a query.
pub(crate) async fn explain(db: Db, state: QueryState, site: &'static Location<'static>) -> Result<QueryPlan> {
    let run = reading(&state, "explain", site);
    let select = plan::plan(&state, &db.models())?.select;
    let sql = db.render_select(&select)?;
    let explained = |word: &str| Sql { text: format!("{word} {}", sql.text), params: sql.params.clone() };
    let tables = tables(&select);
    let word = sequor_sql::session::explain_word(db.dialect());
    let ask = async |word: &str| run_decoded(&db, explained(word), cells, run.clone()).await;
    Ok(match db.dialect() {
        Dialect::Sqlite => sqlite(&ask(word).await?, &tables),
        Dialect::Mysql | Dialect::Mariadb => mysql(&ask(word).await?, &tables),
        Dialect::Postgres => {
            let text = ask(word).await?.into_iter().flatten().collect::<Vec<_>>().join("\n");
            let json: String = ask(sequor_sql::session::EXPLAIN_TREE).await?.into_iter().flatten().collect();
            let json: Json = serde_json::from_str(&json)?;
            let plans = json.as_array().into_iter().flatten().filter_map(|plan| plan.get("Plan"));
            QueryPlan { text, roots: plans.map(postgres).collect() }
        }
    })
}

fn cells(row: &mut dyn RowReader) -> Result<Vec<String>> {
    (0..row.len()).map(|index| Ok(shown(&row.any(index)?))).collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.clone(),
        other => other.to_json().to_string(),
    }
}

/// The tables behind the short names of a statement.
fn tables(select: &Select) -> Vec<(String, String)> {
    let sources = select.from.iter().chain(select.joins.iter().map(|join| &join.source));
    let named = |source: &sequor_core::statement::Source| match (&source.alias, &source.kind) {
        (Some(Alias::T(number)), SourceKind::Table(table)) => Some((format!("t{number}"), table.name.to_string())),
        _ => None,
    };
    sources.filter_map(named).collect()
}

fn table_of(name: &str, tables: &[(String, String)]) -> String {
    tables.iter().find(|(alias, _)| alias == name).map_or_else(|| name.to_owned(), |(_, table)| table.clone())
}

/// `id, parent, -, detail`: a tree by the numbers of its parents.
fn sqlite(rows: &[Vec<String>], tables: &[(String, String)]) -> QueryPlan {
    let text = rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join("\n");
    QueryPlan { text, roots: sqlite_below("0", rows, tables) }
}

fn sqlite_below(parent: &str, rows: &[Vec<String>], tables: &[(String, String)]) -> Vec<PlanNode> {
    let mut nodes = Vec::new();
    for row in rows {
        let [id, above, _, detail] = row.as_slice() else { continue };
        // A step that were its own parent would never end.
        if above == parent && id != parent {
            nodes.push(PlanNode { children: sqlite_below(id, rows, tables), ..sqlite_step(detail, tables) });
        }
    }
    nodes
}

/// `SEARCH t0 USING INDEX users_email_key (email=?)`, `SCAN t0`, `USE TEMP B-TREE FOR ORDER BY`.
fn sqlite_step(detail: &str, tables: &[(String, String)]) -> PlanNode {
    let mut words = detail.split(' ');
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    if !matches!(first, "SCAN" | "SEARCH") {
        return PlanNode { operation: detail.to_owned(), ..PlanNode::default() };
    }
    let index = match detail.split_once(" INDEX ") {
        Some((_, rest)) if !detail.contains("AUTOMATIC") => rest.split([' ', '(']).next().map(str::to_owned),
        None if detail.contains("USING INTEGER PRIMARY KEY") => Some("PRIMARY KEY".to_owned()),
        _ => None,
    };
    PlanNode {
        operation: first.to_owned(),
        table: second.map(|name| table_of(name, tables)),
        whole: first == "SCAN" && index.is_none() && !detail.contains("CONSTANT ROW"),
        index,
        detail: detail.to_owned(),
        ..PlanNode::default()
    }
}

/// `id, select_type, table, [partitions,] type, possible_keys, key, key_len, ref, rows, [filtered,] Extra`: a list.
fn mysql(rows: &[Vec<String>], tables: &[(String, String)]) -> QueryPlan {
    let text = rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join("\n");
    let roots = rows.iter().map(|row| {
        // MySQL has two columns that MariaDB has not.
        let more = usize::from(row.len() > 10);
        let cell = |place: usize| row.get(place).filter(|cell| !cell.is_empty());
        let operation = cell(3 + more).or(cell(1)).cloned().unwrap_or_default();
        PlanNode {
            table: cell(2).map(|name| table_of(name, tables)),
            index: cell(5 + more).cloned(),
            rows: cell(8 + more).and_then(|rows| rows.parse().ok()),
            whole: operation == "ALL",
            detail: row.last().cloned().unwrap_or_default(),
            operation,
            ..PlanNode::default()
        }
    });
    QueryPlan { text, roots: roots.collect() }
}

fn postgres(plan: &Json) -> PlanNode {
    let text = |key: &str| plan.get(key).and_then(Json::as_str).map(str::to_owned);
    let operation = text("Node Type").unwrap_or_default();
    let conditions = ["Index Cond", "Recheck Cond", "Filter", "Join Filter", "Hash Cond", "Merge Cond"];
    let detail = conditions.iter().filter_map(|key| text(key).map(|condition| format!("{key}: {condition}")));
    PlanNode {
        table: text("Relation Name"),
        index: text("Index Name"),
        rows: plan.get("Plan Rows").and_then(Json::as_f64),
        cost: plan.get("Total Cost").and_then(Json::as_f64),
        whole: operation == "Seq Scan",
        detail: detail.collect::<Vec<_>>().join("; "),
        operation,
        children: plan.get("Plans").and_then(Json::as_array).into_iter().flatten().map(postgres).collect(),
    }
}
