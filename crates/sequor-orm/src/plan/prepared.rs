//! Statements by the shape of their queries: planned and written once, then only their values change.

use super::shape::{Shape, marked, shape};
use super::{Node, Plan, plan};
use crate::db::Db;
use crate::query::QueryState;
use sequor_core::Value;
use sequor_core::driver::Param;
use sequor_core::error::Result;
use sequor_core::schema::ModelDef;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A statement with its values, and how its rows are read.
pub(crate) struct Prepared {
    pub(crate) text: Arc<str>,
    pub(crate) params: Vec<Param>,
    pub(crate) node: Node,
}

/// The statements that a database handle has written. They depend on nothing but the models, which they keep alive, and the place in their key;
/// what a server has prepared under such a text is the driver's affair.
#[derive(Default)]
pub(crate) struct Statements {
    known: RwLock<HashMap<Box<[u8]>, Arc<Known>>>,
}

/// More shapes than any program has; one that makes them without end starts again.
const MOST: usize = 4_096;

enum Known {
    /// A read.
    Read { text: Arc<str>, parts: Vec<Part>, node: Node },
    /// A write by its columns, and the model that its key speaks of.
    Write { text: Arc<str>, _model: Arc<ModelDef> },
    /// The statement depends on more than its shape. The model keeps its address.
    Unknowable { _model: Arc<ModelDef> },
}

/// Where a parameter comes from.
enum Part {
    /// The query's value of this number.
    Value(usize, sequor_core::types::BindType),
    /// The same every time.
    Fixed(Param),
}

impl Statements {
    fn get(&self, key: &[u8]) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: Vec<u8>, known: Known) -> Arc<Known> {
        let known = Arc::new(known);
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key.into(), known.clone());
        known
    }

    /// The text of a write, written once.
    pub(crate) fn write(&self, key: Vec<u8>, model: &Arc<ModelDef>, make: impl FnOnce() -> Result<String>) -> Result<Arc<str>> {
        if let Some(Known::Write { text, .. }) = self.get(&key).as_deref() {
            return Ok(text.clone());
        }
        let text: Arc<str> = make()?.into();
        self.put(key, Known::Write { text: text.clone(), _model: model.clone() });
        Ok(text)
    }
}

/// The statement of a query.
pub(crate) fn prepare(db: &Db, state: &QueryState) -> Result<Prepared> {
    if let Some(shape) = shape(state, db.place.schema.as_deref()) {
        let known = match db.inner.statements.get(&shape.key) {
            Some(known) => known,
            None => {
                let known = learn(db, state).unwrap_or_else(|| Known::Unknowable { _model: state.model.clone() });
                db.inner.statements.put(shape.key.clone(), known)
            }
        };
        if let Known::Read { text, parts, node } = &*known
            && let Some(params) = filled(parts, shape)
        {
            return Ok(Prepared { text: text.clone(), params, node: node.clone() });
        }
    }
    write(db, plan(state, &db.models())?)
}

/// A planned statement, written.
pub(crate) fn write(db: &Db, plan: Plan) -> Result<Prepared> {
    let sql = db.render_select(&plan.select)?;
    Ok(Prepared { text: sql.text.into(), params: sql.params, node: plan.node })
}

fn filled(parts: &[Part], Shape { mut values, .. }: Shape) -> Option<Vec<Param>> {
    let mut value = |number: usize| Some(std::mem::take(values.get_mut(number)?));
    parts
        .iter()
        .map(|part| match part {
            Part::Value(number, bind) => Some(Param { value: value(*number)?, bind: *bind }),
            Part::Fixed(param) => Some(param.clone()),
        })
        .collect()
}

/// Plans and writes a query whose values are marks; where each mark is found once, untouched, the statement depends on nothing but the shape.
fn learn(db: &Db, state: &QueryState) -> Option<Known> {
    let (state, marks) = marked(state)?;
    let plan = plan(&state, &db.models()).ok()?;
    let sql = db.render_select(&plan.select).ok()?;
    let mut found = vec![0usize; marks.len()];
    let parts = sql.params.into_iter().map(|param| match marks.iter().position(|mark| same(mark, &param.value)) {
        Some(number) => {
            found[number] += 1;
            Part::Value(number, param.bind)
        }
        None => Part::Fixed(param),
    });
    let parts = parts.collect();
    let once = found.iter().all(|times| *times == 1);
    once.then(|| Known::Read { text: sql.text.into(), parts, node: plan.node })
}

/// The same value of the same kind.
fn same(mark: &Value, value: &Value) -> bool {
    std::mem::discriminant(mark) == std::mem::discriminant(value) && mark == value
}
