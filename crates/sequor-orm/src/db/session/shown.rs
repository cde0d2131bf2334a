//! Parameters as they may be shown, for programs that ask for them: never those of statements that touch a table with a `sensitive` column.

use crate::db::Db;
use crate::model::Registered;
use sequor_core::driver::{Params, Step};
use sequor_core::schema::ModelDef;
use sequor_core::value::Value;

/// A longer value is cut.
const LONGEST: usize = 100;
/// More parameters are not shown.
const MOST: usize = 50;

/// The parameters of all steps.
pub(super) fn parameters(db: &Db, steps: &[Step]) -> String {
    let tables = sensitive_tables(db);
    steps.iter().map(|step| of_step(step, &tables)).collect::<Vec<_>>().join("; ")
}

/// The tables of all models, linked or defined at run time, that have a sensitive column.
fn sensitive_tables(db: &Db) -> Vec<String> {
    let sensitive = |model: &ModelDef| model.columns.iter().any(|column| column.sensitive).then(|| model.table.name.to_ascii_lowercase());
    let known = db.registry().all();
    let linked = inventory::iter::<Registered>.into_iter().filter_map(|registered| sensitive((registered.0)()));
    let mut tables: Vec<String> = known.iter().filter_map(|model| sensitive(model)).chain(linked).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

fn of_step(step: &Step, tables: &[String]) -> String {
    let text = step.text.to_ascii_lowercase();
    if tables.iter().any(|table| text.contains(table)) {
        return "[hidden: a table with sensitive columns]".to_owned();
    }
    match &step.params {
        Params::Fixed(list) => {
            let shown: Vec<String> = list.iter().take(MOST).map(|param| one(&param.value)).collect();
            let more = if list.len() > MOST { format!(", .. {} more", list.len() - MOST) } else { String::new() };
            format!("[{}{more}]", shown.join(", "))
        }
        Params::Many(lists) => format!("[{} lists]", lists.len()),
        Params::Derived(_) => "[made from earlier rows]".to_owned(),
    }
}

fn one(value: &Value) -> String {
    if let Value::Bytes(bytes) = value {
        return format!("{} bytes", bytes.len());
    }
    let text = value.to_json().to_string();
    match text.char_indices().nth(LONGEST) {
        Some((place, _)) => format!("{}..", text.get(..place).unwrap_or_default()),
        None => text,
    }
}
