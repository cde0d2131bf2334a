//! How many statements a step sends, held against what it may cost: a find one and one for each to-many include (and one to count), a write no more than
//! Sequelize sent. BEGIN, COMMIT and savepoints are not counted.

use sequor::prelude::*;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the statements of a database.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicUsize>);

impl Counter {
    /// Begins to count.
    pub fn watch(db: &Db) -> Counter {
        let counter = Counter::default();
        let seen = counter.0.clone();
        db.global_hooks().before_query("statements", move |query: &sequor::QueryEvent<'_>, _cx| {
            let first = query.sql().split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            if !["BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET"].contains(&first.as_str()) {
                seen.fetch_add(1, Ordering::Relaxed);
            }
            Box::pin(async { Ok(()) })
        });
        counter
    }

    /// What was counted since the last time.
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// How many to-many associations an include tree loads; it names them, as `{ model, as }` or by association.
fn many(db: &Db, model: &str, include: &Json) -> usize {
    let Ok(def) = db.model(model).and_then(|model| model.def()) else { return 0 };
    let list: Vec<&Json> = include.as_array().map_or_else(|| vec![include], |list| list.iter().collect());
    let mut count = 0;
    for item in list.into_iter().filter(|item| !item.is_null()) {
        let all = item.get("all").is_some();
        let name = item.as_str().or_else(|| item["association"].as_str()).or_else(|| item["as"].as_str());
        for relation in &def.relations {
            let meant = name.map_or_else(|| item["model"] == relation.target.name.as_ref(), |name| relation.name == name);
            if !all && !meant {
                continue;
            }
            count += usize::from(relation.kind.is_many());
            let below = if all && item["nested"] == true { item } else { &item["include"] };
            count += if all { 0 } else { many(db, &relation.target.name, below) };
        }
        if all && item["nested"] == true {
            return usize::MAX / 2;
        }
    }
    count
}

/// How many more statements a write may send than Sequelize: `database operation more: reason` a line of statements.txt.
fn more(dialect: &str, op: &str) -> usize {
    let lines = include_str!("../statements.txt").lines().filter(|line| !line.starts_with('#'));
    let rules = lines.filter_map(|line| line.split_once(": ")).map(|(rule, _)| rule.split_whitespace().collect::<Vec<_>>());
    let fits = |rule: Vec<&str>| match rule[..] {
        [on, of, more] if on == dialect && of == op => more.parse().ok(),
        _ => None,
    };
    rules.filter_map(fits).next().unwrap_or(0)
}

/// The most statements that a step may send; `None` where nothing is said.
pub fn allowed(db: &Db, dialect: &str, (scenario, step): (&Json, &Json), recorded: Option<u64>) -> Option<usize> {
    let op = step["op"].as_str()?;
    let include = &step["options"]["include"];
    let model = step["model"].as_str().unwrap_or_default();
    // What a scope includes is not seen here.
    let by_default = |model: &Json| !model["options"]["defaultScope"]["include"].is_null();
    let scoped = step.get("scope").is_some() || scenario["models"].as_array().is_some_and(|models| models.iter().any(by_default));
    match op {
        "findAll" | "findOne" | "findByPk" if !scoped => Some(1 + many(db, model, include)),
        "findAndCountAll" if !scoped => Some(2 + many(db, model, include)),
        "count" | "sum" | "min" | "max" | "aggregate" => Some(1),
        "create" | "bulkCreate" | "upsert" | "update" | "destroy" | "restore" | "truncate" | "increment" | "decrement" | "findOrCreate"
        | "findCreateFind" | "instance.save" | "instance.update" | "instance.destroy" | "instance.restore" | "instance.increment"
        | "instance.decrement" | "assoc.create" | "assoc.add" | "assoc.set" | "assoc.remove" => {
            let rows = op == "update" && step["options"]["returning"].as_bool().unwrap_or(step["options"]["returning"].is_array());
            usize::try_from(recorded?).ok().map(|most| most + more(dialect, if rows { "update.returning" } else { op }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::more;

    #[test]
    fn exceptions_are_few_and_have_a_reason() {
        let lines: Vec<&str> = include_str!("../statements.txt").lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), 4, "a new exception needs a better reason than that it is easier");
        assert!(lines.iter().all(|line| line.split_once(": ").is_some_and(|(_, reason)| !reason.is_empty())));
        assert_eq!((more("mysql", "upsert"), more("sqlite", "upsert"), more("mysql", "create"), more("mysql", "update")), (1, 0, 0, 0));
    }
}
