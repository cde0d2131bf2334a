//! Statements by the shape of their queries: planned and written once, then only their values change.

use super::many::scanned;
use super::shape::{
    Ground, Shape, count_shape, many_shape, marked, marked_count, marked_keys, marked_many, marked_write, shape, write_shape,
};
use super::{Cutting, LinkAt, Many, Node, Parents, Plan, Sorting, check_depth, plan, plan_count, plan_many};
use crate::db::Db;
use crate::load::{Keys, is_small_integer};
use crate::query::{Clauses, QueryState};
use sequor_core::Value;
use sequor_core::driver::Param;
use sequor_core::error::Result;
use sequor_core::schema::{Link, ModelDef, Models};
use sequor_core::statement::Expr;
use sequor_core::types::BindType;
use sequor_sql::{KeyList, Sql};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock};

/// A statement with its values, and how its rows are read.
pub(crate) struct Prepared {
    pub(crate) text: Arc<str>,
    pub(crate) params: Vec<Param>,
    pub(crate) node: Arc<Node>,
}

impl Prepared {
    /// Whether its rows are whole rows of one model and nothing else.
    pub(crate) fn is_plain(&self) -> bool {
        let node = &self.node;
        node.at == 0 && node.ones.is_empty() && node.many.is_empty() && node.by_key.is_none()
    }
}

/// The statements that a database handle has written. They depend on nothing but the models, which they keep alive, and the place in their key;
/// what a server has prepared under such a text is the driver's affair.
#[derive(Default)]
pub(crate) struct Statements {
    known: RwLock<HashMap<Box<[u8]>, Entry, foldhash::fast::RandomState>>,
    /// By the addresses of models: the statement of the row of a key.
    keys: RwLock<HashMap<usize, KeyEntry, foldhash::fast::RandomState>>,
}

/// The statement of the row of a key, the generation of the models that it was written in, and the model, kept as in [`Entry`].
type KeyEntry = (Arc<Known>, u64, Arc<ModelDef>);

/// What is known, and the model that the key speaks of: while it lives, no other one lies at its address.
type Entry = (Arc<Known>, Arc<ModelDef>);

/// More shapes than any program has; one that makes them without end starts again.
const MOST: usize = 4_096;

enum Known {
    /// A read, and where the link of a to-many include stands.
    Read { text: Arc<str>, parts: Vec<Part>, node: Arc<Node>, link: Option<LinkAt> },
    /// A write by its columns.
    Write(Arc<str>),
    /// A count, or a write of many rows.
    Bound { text: Arc<str>, parts: Vec<Part> },
    /// The statement depends on more than its shape.
    Unknowable,
}

/// Where a parameter comes from.
enum Part {
    /// The query's value of this number.
    Value(usize, BindType),
    /// The key of the parent of this number, or of the last one.
    Key(usize, BindType),
    /// All keys, as a list.
    KeyArray(BindType),
    /// All keys, as a JSON list.
    KeyJson(BindType),
    /// The same every time.
    Fixed(Param),
}

impl Statements {
    fn get(&self, key: &[u8]) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(key).map(|(known, _)| known.clone())
    }

    fn put(&self, key: Vec<u8>, known: Known, model: &Arc<ModelDef>) -> Arc<Known> {
        let known = Arc::new(known);
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(key.into(), (known.clone(), model.clone()));
        known
    }

    /// The statement of the row of a key, where its shape is known.
    fn of_key(&self, model: &Arc<ModelDef>, generation: u64) -> Option<Arc<Known>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let (known, written, _) = keys.get(&Arc::as_ptr(model).addr())?;
        (*written == generation).then(|| known.clone())
    }

    fn put_key(&self, model: &Arc<ModelDef>, generation: u64, known: Arc<Known>) {
        let entry = (known, generation, model.clone());
        self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(Arc::as_ptr(model).addr(), entry);
    }

    /// What is known of a shape, learnt at its first sight.
    fn known(&self, key: Vec<u8>, model: &Arc<ModelDef>, learn: impl FnOnce() -> Option<Known>) -> Arc<Known> {
        match self.get(&key) {
            Some(known) => known,
            None => self.put(key, learn().unwrap_or(Known::Unknowable), model),
        }
    }

    /// The text of a write, written once.
    pub(crate) fn write(&self, key: Vec<u8>, model: &Arc<ModelDef>, make: impl FnOnce() -> Result<String>) -> Result<Arc<str>> {
        if let Some(Known::Write(text)) = self.get(&key).as_deref() {
            return Ok(text.clone());
        }
        let text: Arc<str> = make()?.into();
        self.put(key, Known::Write(text.clone()), model);
        Ok(text)
    }
}

/// The statement of a query.
pub(crate) fn prepare(db: &Db, state: &QueryState) -> Result<Prepared> {
    check_depth(&state.clauses, 0)?;
    let models = db.models();
    let ground = ground(db, &models);
    if let Some(Shape { key, values }) = shape(state, &ground) {
        let known = db.inner.statements.known(key, &state.model, || learn(db, state, &models));
        if let Known::Read { text, parts, node, .. } = &*known
            && let Some(params) = filled(parts, values, &Keys::new(1))
        {
            return Ok(Prepared { text: text.clone(), params, node: with_includes(node, &state.clauses) });
        }
    }
    write(db, plan(state, &models)?)
}

/// The statement of a query for the row of a key and nothing else: found without a look at its shape, where it is known.
pub(crate) fn prepare_key(db: &Db, state: &QueryState) -> Option<Prepared> {
    let key = state.clauses.only_key().filter(|_| db.place.schema.is_none())?;
    let generation = db.inner.registry.generation();
    let known = match db.inner.statements.of_key(&state.model, generation) {
        Some(known) => known,
        None => learn_key(db, state, generation)?,
    };
    let Known::Read { text, parts, node, .. } = &*known else { return None };
    let [Part::Value(0, bind)] = parts.as_slice() else { return None };
    Some(Prepared { text: text.clone(), params: vec![Param { value: key.clone(), bind: *bind }], node: node.clone() })
}

#[cold]
fn learn_key(db: &Db, state: &QueryState, generation: u64) -> Option<Arc<Known>> {
    let models = db.models();
    let Shape { key, .. } = shape(state, &Ground { place: None, models: &models, generation })?;
    let known = db.inner.statements.known(key, &state.model, || learn(db, state, &models));
    db.inner.statements.put_key(&state.model, generation, known.clone());
    Some(known)
}

/// The statement of a write of many rows by their conditions alone; `render` plans and writes it where its shape is new or depends on more, and each time where
/// it is not `plain`: its text says more than that.
pub(crate) fn prepare_write(
    db: &Db,
    kind: u8,
    plain: bool,
    (query, set, returning): (&QueryState, &[(usize, Expr)], bool),
    render: &dyn Fn(&QueryState, &[(usize, Expr)]) -> Result<Sql>,
) -> Result<(Arc<str>, Vec<Param>)> {
    let models = db.models();
    let shape = if plain { write_shape(kind, query, set, returning, &ground(db, &models)) } else { None };
    let kept = kept(db, &query.model, shape, || {
        let (query, set, marks) = marked_write(query, set)?;
        Some((render(&query, &set).ok()?, marks))
    });
    kept.map_or_else(|| render(query, set).map(|sql| (sql.text.into(), sql.params)), Ok)
}

/// The statement of a count.
pub(crate) fn prepare_count(db: &Db, query: &QueryState) -> Result<(Arc<str>, Vec<Param>)> {
    let models = db.models();
    let render = |query: &QueryState| db.render_select(&plan_count(query, &models)?);
    let kept = kept(db, &query.model, count_shape(query, &ground(db, &models)), || {
        let (query, marks) = marked_count(query)?;
        Some((render(&query).ok()?, marks))
    });
    kept.map_or_else(|| render(query).map(|sql| (sql.text.into(), sql.params)), Ok)
}

/// A statement without rows of a model by its shape; `learn` writes it with marks for its values, and gives those.
fn kept(
    db: &Db,
    model: &Arc<ModelDef>,
    shape: Option<Shape>,
    learn: impl FnOnce() -> Option<(Sql, Vec<Value>)>,
) -> Option<(Arc<str>, Vec<Param>)> {
    let Shape { key, values } = shape?;
    let known = db.inner.statements.known(key, model, || {
        let (sql, marks) = learn()?;
        let parts = found(sql.params, &marks, &[])?;
        Some(Known::Bound { text: sql.text.into(), parts })
    });
    let Known::Bound { text, parts } = &*known else { return None };
    Some((text.clone(), filled(parts, values, &Keys::new(1))?))
}

fn ground<'a>(db: &'a Db, models: &'a dyn Models) -> Ground<'a> {
    Ground { place: db.place.schema.as_deref(), models, generation: db.inner.registry.generation() }
}

/// A planned statement, written.
pub(crate) fn write(db: &Db, plan: Plan) -> Result<Prepared> {
    let sql = db.render_select(&plan.select)?;
    Ok(Prepared { text: sql.text.into(), params: sql.params, node: Arc::new(plan.node) })
}

/// The statement of a to-many include of `owner`'s rows for the parents with these keys, and the cell behind its own where the link stands.
pub(crate) fn prepare_many(db: &Db, many: &Many, owner: &Arc<ModelDef>, keys: Keys) -> Result<(Prepared, LinkAt)> {
    let models = db.models();
    let ground = ground(db, &models);
    if let Some(marks) = parents(db.dialect().key_list(), &keys, &many.link)
        && let Some(Shape { key, values }) = many_shape(many, owner, marks, &ground)
    {
        let known = db.inner.statements.known(key, owner, || learn_many(db, many, &keys, marks, &models));
        if let Known::Read { text, parts, node, link: Some(link) } = &*known
            && let Some(params) = filled(parts, values, &keys)
        {
            let node = with_includes(node, &many.include.clauses);
            return Ok((Prepared { text: text.clone(), params, node }, link.clone()));
        }
    }
    let (plan, link) = plan_many(many, Parents::Keys(keys.rows()), (Sorting::Reader, Cutting::of(db.dialect())), &models)?;
    let sql = db.render_select(&plan.select)?;
    Ok((Prepared { text: sql.text.into(), params: sql.params, node: Arc::new(plan.node) }, link))
}

/// The statement of a to-many include whose parents are not read yet.
pub(crate) struct Later {
    pub(crate) text: Arc<str>,
    pub(crate) node: Arc<Node>,
    pub(crate) link: LinkAt,
    pub(crate) params: KeyParams,
}

/// The parameters of such a statement, but for the keys of the parents.
pub(crate) struct KeyParams {
    known: Arc<Known>,
    values: Vec<Value>,
}

impl KeyParams {
    /// The parameters for the parents with these keys.
    pub(crate) fn of(self, keys: &Keys) -> Option<Vec<Param>> {
        let Known::Read { parts, .. } = &*self.known else { return None };
        filled(parts, self.values, keys)
    }
}

/// The statement of a to-many include of `owner`'s rows, where it is the same for any parents.
pub(crate) fn prepare_later(db: &Db, many: &Many, owner: &Arc<ModelDef>) -> Option<Later> {
    let [column] = many.link.source.as_slice() else { return None };
    if !is_small_integer(&owner.columns.get(*column)?.ty) {
        return None;
    }
    let models = db.models();
    let mut keys = Keys::new(1);
    keys.push([Value::I64(1)]);
    let marks = parents(db.dialect().key_list(), &keys, &many.link)?;
    let Shape { key, values } = many_shape(many, owner, marks, &ground(db, &models))?;
    let known = db.inner.statements.known(key, owner, || learn_many(db, many, &keys, marks, &models));
    let Known::Read { text, node, link: Some(link), .. } = &*known else { return None };
    let (text, node, link) = (text.clone(), with_includes(node, &many.include.clauses), link.clone());
    Some(Later { text, node, link, params: KeyParams { known, values } })
}

/// For how many marks of keys a statement is written that serves these ones; nothing where each list has its own text.
fn parents(list: KeyList, keys: &Keys, link: &Link) -> Option<usize> {
    let one = |wanted: fn(&Value) -> bool| keys.singles().is_some_and(|values| values.iter().all(wanted));
    match list {
        // Where rows are compared one by one, a longer list is written otherwise.
        KeyList::Array if keys.len() > sequor_sql::LONG_LIST && scanned(link) => None,
        KeyList::Array => one(|value| !value.is_null()).then_some(1),
        KeyList::Json => one(|value| matches!(value, Value::I64(_))).then_some(1),
        KeyList::Padded { most } if keys.len() <= most => {
            one(|value| matches!(value, Value::I64(_) | Value::Uuid(_) | Value::Text(_))).then(|| keys.len().next_power_of_two())
        }
        KeyList::Padded { .. } => None,
    }
}

/// How the rows of a query of a known shape are read.
fn with_includes(node: &Arc<Node>, clauses: &Clauses) -> Arc<Node> {
    let mut node = node.clone();
    if !clauses.includes.is_empty() {
        put_includes(Arc::make_mut(&mut node), clauses);
    }
    node
}

/// Hangs what this query asks of its to-many includes on the rows that they belong to.
fn put_includes(node: &mut Node, clauses: &Clauses) {
    for include in &clauses.includes {
        let name = include.alias.as_ref().unwrap_or(&include.relation);
        if let Some(many) = node.many.iter_mut().find(|many| many.name == *name && many.def.name == include.relation) {
            many.include = include.clone();
        } else if let Some(one) = node.ones.iter_mut().find(|one| one.name == *name) {
            put_includes(one, &include.clauses);
        }
    }
}

fn filled(parts: &[Part], mut values: Vec<Value>, keys: &Keys) -> Option<Vec<Param>> {
    let key = |number: usize| keys.get(number.min(keys.len().checked_sub(1)?))?.first().cloned();
    let mut params = Vec::with_capacity(parts.len());
    for part in parts {
        params.push(match part {
            Part::Value(number, bind) => Param { value: std::mem::take(values.get_mut(*number)?), bind: *bind },
            Part::Key(number, bind) => Param { value: key(*number)?, bind: *bind },
            Part::KeyArray(bind) => Param { value: Value::Array(keys.singles()?.to_vec()), bind: *bind },
            Part::KeyJson(bind) => Param { value: Value::Text(json_list(keys)?), bind: *bind },
            Part::Fixed(param) => param.clone(),
        });
    }
    Some(params)
}

/// Whole numbers as a JSON list.
fn json_list(keys: &Keys) -> Option<String> {
    let mut text = String::with_capacity(keys.len() * 8 + 2);
    text.push('[');
    for (number, key) in keys.singles()?.iter().enumerate() {
        let Value::I64(key) = key else { return None };
        if number > 0 {
            text.push(',');
        }
        write!(text, "{key}").ok()?;
    }
    text.push(']');
    Some(text)
}

/// Plans and writes a query whose values are marks; where each mark is found once, untouched, the statement depends on nothing but the shape.
fn learn(db: &Db, state: &QueryState, models: &dyn Models) -> Option<Known> {
    let (state, marks) = marked(state, models)?;
    let plan = plan(&state, models).ok()?;
    let sql = db.render_select(&plan.select).ok()?;
    let parts = found(sql.params, &marks, &[])?;
    Some(Known::Read { text: sql.text.into(), parts, node: Arc::new(plan.node), link: None })
}

fn learn_many(db: &Db, many: &Many, keys: &Keys, parents: usize, models: &dyn Models) -> Option<Known> {
    let (many, marks) = marked_many(many, models)?;
    let keys = marked_keys(keys.get(0)?, parents)?;
    let (plan, link) = plan_many(&many, Parents::Keys(keys.clone()), (Sorting::Reader, Cutting::of(db.dialect())), models).ok()?;
    let sql = db.render_select(&plan.select).ok()?;
    let parts = found(sql.params, &marks, &keys)?;
    Some(Known::Read { text: sql.text.into(), parts, node: Arc::new(plan.node), link: Some(link) })
}

/// Where each parameter comes from, when every mark and every key is found exactly once.
fn found(params: Vec<Param>, marks: &[Value], keys: &[Vec<Value>]) -> Option<Vec<Part>> {
    let keys: Vec<Value> = keys.iter().map(|key| key.first().cloned()).collect::<Option<_>>()?;
    let mut seen = vec![0usize; marks.len() + keys.len()];
    let json = serde_json::Value::Array(keys.iter().map(Value::to_json).collect()).to_string();
    let mut parts = Vec::with_capacity(params.len());
    for param in params {
        let mark = marks.iter().position(|mark| same(mark, &param.value));
        let key = keys.iter().position(|key| same(key, &param.value));
        parts.push(match (mark, key, &param.value) {
            (Some(number), _, _) => {
                seen[number] += 1;
                Part::Value(number, param.bind)
            }
            (None, Some(number), _) => {
                seen[marks.len() + number] += 1;
                Part::Key(number, param.bind)
            }
            (None, None, Value::Array(list)) if !keys.is_empty() && *list == keys => {
                seen[marks.len()..].iter_mut().for_each(|times| *times += 1);
                Part::KeyArray(param.bind)
            }
            (None, None, Value::Text(text)) if !keys.is_empty() && *text == json => {
                seen[marks.len()..].iter_mut().for_each(|times| *times += 1);
                Part::KeyJson(param.bind)
            }
            (None, None, _) => Part::Fixed(param),
        });
    }
    seen.iter().all(|times| *times == 1).then_some(parts)
}

/// The same value of the same kind.
fn same(mark: &Value, value: &Value) -> bool {
    std::mem::discriminant(mark) == std::mem::discriminant(value) && mark == value
}
