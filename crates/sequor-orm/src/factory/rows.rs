//! Rows of any model with what they point to.

use super::Plan;
use super::invent::Inventor;
use super::keys::Keys;
use crate::db::Db;
use crate::model::RuntimeModel;
use crate::write::{BulkOptions, OnDuplicate, RowState, WriteOptions, bulk_create};
use fake::rand::rngs::StdRng;
use fake::rand::seq::SliceRandom;
use fake::rand::{RngExt, SeedableRng};
use sequor_core::Value;
use sequor_core::driver::BoxFuture;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Default as ColumnDefault, ModelDef, RelationDef, RelationKind};
use serde_json::json;
use std::panic::Location;
use std::sync::Arc;

/// How often a row is made anew whose key is taken.
const ATTEMPTS: usize = 200;
/// How many rows of another table are looked at to point to.
const LOOKED_AT: usize = 1_000;

/// A foreign key: its columns, and the keys that it may have, in turn.
struct Pointer {
    positions: Vec<usize>,
    keys: Vec<Vec<Value>>,
    unique: bool,
}

/// Makes and stores the rows of a plan.
pub(super) async fn create(db: &Db, model: &Arc<ModelDef>, plan: &Plan, site: &'static Location<'static>) -> Result<Vec<RowState>> {
    let seed = plan.seed.unwrap_or_else(fake::rand::random);
    let mut maker = Maker { rng: StdRng::seed_from_u64(seed), under_way: Vec::new(), site };
    maker.create(db, model, plan).await
}

struct Maker {
    rng: StdRng,
    /// The models whose rows wait for others.
    under_way: Vec<String>,
    /// Where the program asked for it.
    site: &'static Location<'static>,
}

impl Maker {
    fn create<'a>(&'a mut self, db: &'a Db, model: &'a Arc<ModelDef>, plan: &'a Plan) -> BoxFuture<'a, Result<Vec<RowState>>> {
        Box::pin(async move {
            let mut keys = Keys::of(model);
            let all = RuntimeModel::of(db, model.clone()).unscoped();
            let there = all.count(json!({ "paranoid": false })).exec(db).await?;
            self.under_way.push(model.name.to_string());
            let pointers = self.pointers(db, model, plan, &keys).await?;
            self.under_way.pop();
            // A number that rows of an earlier run do not have, either.
            let first = if plan.seed.is_some() { there + 1 } else { there + 1 + self.rng.random_range(0..1_000_000_000_u64) };
            let mut rows = Vec::with_capacity(plan.count);
            for number in 0..plan.count {
                rows.push(self.row(model, plan, &pointers, &mut keys, (number, first))?);
            }
            let options = BulkOptions {
                write: WriteOptions::at(self.site),
                duplicates: OnDuplicate::Fail,
                individual_hooks: false,
                returning: true,
                records: false,
            };
            bulk_create(db, rows, &options).await
        })
    }

    fn row(
        &mut self,
        model: &Arc<ModelDef>,
        plan: &Plan,
        pointers: &[Pointer],
        keys: &mut Keys,
        (number, first): (usize, u64),
    ) -> Result<RowState> {
        for _ in 0..ATTEMPTS {
            let mut row = RowState::new(model.clone());
            for (position, make) in &plan.given {
                row.values[*position] = Some(make(number));
            }
            for pointer in pointers.iter().filter(|pointer| !pointer.keys.is_empty()) {
                let place = if pointer.unique { number } else { self.rng.random_range(0..pointer.keys.len()) };
                let Some(key) = pointer.keys.get(place) else { continue };
                for (position, value) in pointer.positions.iter().zip(key) {
                    row.values[*position].get_or_insert_with(|| value.clone());
                }
            }
            self.invent(model, pointers, keys, &mut row, first + u64::try_from(number).unwrap_or(0))?;
            if keys.take(&row) {
                return Ok(row);
            }
        }
        Err(Error::usage(format!(
            "{} has a unique key with too few values for {} rows: give its columns by Factory::with, or ask for fewer",
            model.name, plan.count
        )))
    }

    fn invent(&mut self, model: &ModelDef, pointers: &[Pointer], keys: &Keys, row: &mut RowState, number: u64) -> Result<()> {
        for (position, column) in model.columns.iter().enumerate() {
            let points = pointers.iter().any(|pointer| pointer.positions.contains(&position));
            let deleted = model.soft_delete.as_ref().is_some_and(|soft| soft.column() == position);
            let kept =
                column.managed || column.auto_increment || column.generated.is_some() || !matches!(column.default, ColumnDefault::None);
            if row.values[position].is_some() || points || deleted || kept {
                continue;
            }
            // Some of what may be NULL is.
            if column.nullable && self.rng.random_range(0..10) == 0 {
                continue;
            }
            let mut inventor = Inventor { model, rng: &mut self.rng, number };
            row.values[position] = Some(inventor.value(column, keys.is_alone(position))?);
        }
        Ok(())
    }

    async fn pointers(&mut self, db: &Db, model: &Arc<ModelDef>, plan: &Plan, keys: &Keys) -> Result<Vec<Pointer>> {
        let mut found: Vec<Pointer> = Vec::new();
        for relation in model.relations.iter().filter(|relation| relation.kind == RelationKind::BelongsTo) {
            let link = relation.link(model, &db.models())?;
            let known = found.iter().any(|pointer| pointer.positions == link.source);
            let given = link.source.iter().all(|position| plan.given.iter().any(|(column, _)| column == position));
            if known || given {
                continue;
            }
            let unique = keys.is_covered(&link.source);
            let of = |values: &[Value]| link.columns.iter().map(|position| values[*position].clone()).collect::<Vec<Value>>();
            let rows = match plan.parents.iter().find(|(name, _)| *name == &*relation.name) {
                Some((_, rows)) => rows.iter().map(|values| of(values)).collect(),
                None => {
                    let states = self.parents(db, model, relation, &link.target, (plan.count, unique)).await?;
                    states
                        .into_iter()
                        .map(|state| of(&state.values.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>()))
                        .collect()
                }
            };
            let mut rows: Vec<Vec<Value>> = rows;
            rows.shuffle(&mut self.rng);
            found.push(Pointer { positions: link.source, keys: rows, unique });
        }
        Ok(found)
    }

    /// Rows to point to: those that are there, or new ones.
    async fn parents(
        &mut self,
        db: &Db,
        model: &Arc<ModelDef>,
        relation: &RelationDef,
        target: &Arc<ModelDef>,
        (count, unique): (usize, bool),
    ) -> Result<Vec<RowState>> {
        let optional = !relation.required;
        // Whoever may point to one row alone needs rows of its own.
        if !unique {
            let all = RuntimeModel::of(db, target.clone()).find_all(json!({ "limit": LOOKED_AT })).exec(db).await?;
            if !all.is_empty() || optional {
                return Ok(all.into_iter().map(|record| record.state).collect());
            }
        } else if optional {
            return Ok(Vec::new());
        }
        if self.under_way.iter().any(|name| **name == *target.name) {
            return Err(Error::usage(format!(
                "{} needs a row of {} first, which needs one of {} in turn: make one, and give it by Factory::belongs_to",
                model.name, target.name, model.name
            )));
        }
        let count = if unique { count } else { count.div_ceil(10).max(1) };
        let plan = Plan { count, ..Plan::default() };
        self.create(db, target, &plan).await
    }
}
