//! What a bulk write does where keys of its rows are taken: the clause of its statements, and which columns are known behind it.

use super::{BulkOptions, OnDuplicate};
use crate::db::Db;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Conflict, ConflictAction, Expr, RawPart};
use sequor_core::types::ColumnType;

/// What becomes of a row whose key is taken, by positions.
#[derive(Clone, Debug)]
pub(super) enum Taken {
    /// The write fails.
    Fails,
    /// The old row stays as it is. The key is there for databases that have to name one.
    Stays { key: Vec<usize> },
    /// The old row gets these fields of the new one, and its version goes up.
    Gets { key: Vec<usize>, fields: Vec<usize> },
}

impl Taken {
    /// For rows that are written by these columns.
    pub(super) fn of(db: &Db, model: &ModelDef, given: &[usize], options: &BulkOptions) -> Result<Taken> {
        match &options.duplicates {
            OnDuplicate::Fail => Ok(Taken::Fails),
            // Without a key to name, a conflict sets the key to itself.
            OnDuplicate::Ignore if db.dialect().is_mysql() => Ok(Taken::Stays { key: model.primary_key.iter().take(1).copied().collect() }),
            OnDuplicate::Ignore => Ok(Taken::Stays { key: Vec::new() }),
            // Sequelize takes rows that give no key: they cannot meet an old one.
            OnDuplicate::Update { key: None, .. } if options.records && covered_key(model, given).is_err() => Ok(Taken::Fails),
            OnDuplicate::Update { fields, key } => {
                let key = match key {
                    Some(key) => key.clone(),
                    None => covered_key(model, given)?,
                };
                let acts = crate::write::actor_of(&options.write.extras(db)).is_some();
                let mut fields = fields.clone();
                for position in [model.timestamps.updated, model.userstamps.1.filter(|_| acts)].into_iter().flatten() {
                    if !fields.contains(&position) {
                        fields.push(position);
                    }
                }
                fields.retain(|position| ![model.timestamps.created, model.userstamps.0].contains(&Some(*position)));
                Ok(Taken::Gets { key, fields })
            }
        }
    }

    /// The clause that says so.
    pub(super) fn clause(&self, model: &ModelDef) -> Option<Conflict> {
        let column = |position: &usize| model.columns[*position].column.clone();
        let target = |key: &[usize]| key.iter().map(column).collect();
        match self {
            Taken::Fails => None,
            Taken::Stays { key } => Some(Conflict { target: target(key), target_filter: None, action: ConflictAction::Nothing }),
            Taken::Gets { key, fields } => {
                let mut set: Vec<_> = fields.iter().map(|position| (column(position), Expr::Proposed(column(position)))).collect();
                if let Some(version) = model.version {
                    // Not bound: the parameters of a bulk create are those of its rows.
                    let one = Expr::Raw(vec![RawPart::Text("1".into())]);
                    let raised = crate::write::save::column(model, version).binary(BinaryOp::Add, one);
                    set.push((column(&version), raised));
                }
                Some(Conflict { target: target(key), target_filter: model.key_condition(key), action: ConflictAction::Update(set) })
            }
        }
    }

    /// Whether a column has the value that was written, be the row a new one or an old one that was met.
    pub(super) fn tells(&self, db: &Db, model: &ModelDef, position: usize) -> bool {
        match self {
            Taken::Fails => true,
            Taken::Stays { .. } => false,
            _ if model.version == Some(position) => false,
            Taken::Gets { key, fields } => {
                // Texts may be equal to a collation and not the same.
                let is_same = || matches!(model.columns[position].ty, ColumnType::Uuid) || model.columns[position].ty.is_integer();
                fields.contains(&position) || (key.contains(&position) && db.dialect().meets_by_named_key() && is_same())
            }
        }
    }

    /// All that decides the clause of a model's statement, as numbers.
    pub(super) fn shape(&self) -> [Vec<usize>; 2] {
        match self {
            Taken::Fails => [Vec::new(), Vec::new()],
            Taken::Stays { key } => [key.clone(), vec![usize::MAX]],
            Taken::Gets { key, fields } => [key.clone(), fields.clone()],
        }
    }
}

/// A unique key that the given values cover.
pub(crate) fn covered_key(model: &ModelDef, given: &[usize]) -> Result<Vec<usize>> {
    let keys = model.unique_keys();
    let found = keys.iter().find(|key| key.iter().all(|position| given.contains(position))).cloned();
    found.ok_or_else(|| {
        let names = |key: &Vec<usize>| key.iter().map(|position| model.columns[*position].name.as_ref()).collect::<Vec<_>>().join(" + ");
        let candidates: Vec<String> = keys.iter().map(names).collect();
        Error::usage(format!("no unique key of {} is covered by the values: give one of {}", model.name, candidates.join("; ")))
    })
}
