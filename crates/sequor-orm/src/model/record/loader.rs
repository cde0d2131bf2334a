//! [`RecordLoader`]: rows of run-time models, read by the engine that reads typed ones.

use super::{Record, Related};
use crate::model::batch::{make_room, settle};
use crate::model::{Loader, Registry, RowBatch, RowShape};
use crate::write::RowState;
use sequor_core::driver::{Flow, RowReader, RowSink};
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, Models};
use sequor_core::types::ColumnType;
use sequor_core::{Name, Value};
use std::any::Any;
use std::sync::Arc;

/// Makes batches of records.
#[derive(Clone)]
pub struct RecordLoader {
    model: Arc<ModelDef>,
    registry: Arc<Registry>,
}

impl RecordLoader {
    pub(crate) fn boxed(model: Arc<ModelDef>, registry: Arc<Registry>) -> Box<dyn Loader> {
        Box::new(RecordLoader { model, registry })
    }
}

impl Loader for RecordLoader {
    fn model(&self) -> Arc<ModelDef> {
        self.model.clone()
    }

    fn batch(&self, shape: &RowShape) -> Result<Box<dyn RowBatch>> {
        Ok(Box::new(RecordBatch {
            model: self.model.clone(),
            shape: shape.clone(),
            rows: Vec::new(),
            hidden: Vec::new(),
            alias: None,
            fields: None,
        }))
    }

    fn back(&self, sink: Box<dyn RowSink>) -> Option<Box<dyn RowBatch>> {
        let sink: Box<dyn Any> = sink;
        Some(sink.downcast::<RecordBatch>().ok()?)
    }

    fn again(&self) -> Box<dyn Loader> {
        Box::new(self.clone())
    }

    fn relation(&self, position: usize) -> Option<Box<dyn Loader>> {
        let target = self.registry.model(&self.model.relations.get(position)?.target).ok()?;
        Some(RecordLoader::boxed(target, self.registry.clone()))
    }

    fn through(&self, position: usize) -> Option<Box<dyn Loader>> {
        let through = self.model.relations.get(position)?.through.as_ref()?;
        let model = self.registry.model(&through.model).ok()?;
        Some(RecordLoader::boxed(model, self.registry.clone()))
    }
}

struct RecordBatch {
    model: Arc<ModelDef>,
    shape: RowShape,
    rows: Vec<Option<Record>>,
    /// The values of hidden columns, for linking.
    hidden: Vec<Vec<(usize, Value)>>,
    alias: Option<Name>,
    fields: Option<Vec<Name>>,
}

impl RecordBatch {
    fn loaded(&mut self, picks: &[usize], again: bool) -> Vec<Record> {
        let mut taken: Vec<Record> = Vec::with_capacity(picks.len());
        for pick in picks {
            let Some(slot) = self.rows.get_mut(*pick) else { continue };
            taken.extend(if again { slot.clone() } else { slot.take() });
        }
        taken
    }
}

impl RowSink for RecordBatch {
    fn wants_names(&self) -> bool {
        false
    }

    fn row(&mut self, row: &mut dyn RowReader) -> Result<Flow> {
        self.push(row, 0)?;
        Ok(Flow::Continue)
    }

    fn forget(&mut self) -> bool {
        self.rows.clear();
        self.hidden.clear();
        true
    }

    fn never_pauses(&self) -> bool {
        true
    }
}

impl RowBatch for RecordBatch {
    fn push(&mut self, row: &mut dyn RowReader, at: usize) -> Result<()> {
        let columns = &self.model.columns;
        let mut hidden = Vec::new();
        let record = match &self.shape.items {
            None => {
                let values =
                    columns.iter().enumerate().map(|(index, column)| row.value(at + index, &column.ty)).collect::<Result<Vec<_>>>()?;
                Record::new(RowState::stored(self.model.clone(), values))
            }
            Some(items) => {
                let mut state = RowState::new(self.model.clone());
                let mut selected = Vec::new();
                let mut extras = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    match item.column {
                        Some(position) => {
                            let value = row.value(at + index, &columns[position].ty)?;
                            state.values[position] = Some(value.clone());
                            if item.name == columns[position].name {
                                selected.push((item.name.clone(), position))
                            } else {
                                // Under another name a truth value comes as the database has it, as in Sequelize: elsewhere than on PostgreSQL 1 or 0.
                                let value = if matches!(value, Value::Bool(_)) { row.any(at + index)? } else { value };
                                extras.push((item.name.clone(), value))
                            }
                        }
                        None if item.document => extras.push((item.name.clone(), row.value(at + index, &ColumnType::Json(true))?)),
                        None => extras.push((item.name.clone(), row.any(at + index)?)),
                    }
                }
                for (index, position) in self.shape.hidden.iter().enumerate() {
                    let value = row.value(at + items.len() + index, &columns[*position].ty)?;
                    hidden.push((*position, value));
                }
                let mut original: Vec<Value> = state.values.iter().map(|value| value.clone().unwrap_or_default()).collect();
                for (position, value) in &hidden {
                    original[*position] = value.clone();
                }
                state.original = Some(original);
                let known = |position: &usize| state.values[*position].is_some() || self.shape.hidden.contains(position);
                state.unread = (0..columns.len()).filter(|position| !known(position)).collect();
                Record { state, selected: Some(selected), extras, relations: Vec::new(), include: None, scopes: None, given: Vec::new() }
            }
        };
        self.hidden.push(hidden);
        self.rows.push(Some(record));
        Ok(())
    }

    fn make_room(&mut self, rows: usize) {
        make_room(&mut self.rows, rows);
        make_room(&mut self.hidden, rows);
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn value(&self, index: usize, column: usize) -> Value {
        if let Some((_, value)) = self.hidden.get(index).and_then(|hidden| hidden.iter().find(|(position, _)| *position == column)) {
            return value.clone();
        }
        self.rows.get(index).and_then(Option::as_ref).and_then(|row| row.state.values.get(column).cloned().flatten()).unwrap_or_default()
    }

    fn take(&mut self, picks: &[usize], again: bool) -> Box<dyn Any + Send> {
        Box::new(self.loaded(picks, again))
    }

    fn hand(&mut self, picks: &[usize], again: bool, to: &mut dyn FnMut(&mut dyn Any) -> Result<()>) -> Result<()> {
        to(&mut self.loaded(picks, again))
    }

    fn attach(&mut self, index: usize, relation: usize, name: &str, rows: &mut dyn Any, between: Option<&mut dyn Any>) -> Result<()> {
        let unpack = |rows: &mut dyn Any| {
            rows.downcast_mut::<Vec<Record>>()
                .map(std::mem::take)
                .ok_or_else(|| Error::bug("rows of another kind were loaded into a record"))
        };
        let mut rows = unpack(rows)?;
        if let Some(between) = between {
            let between = unpack(between)?;
            for (row, mut between) in rows.iter_mut().zip(between) {
                if let Some(fields) = &self.fields {
                    if fields.is_empty() {
                        continue;
                    }
                    let model = between.state.model.clone();
                    between.selected =
                        Some(fields.iter().filter_map(|name| model.position(name).map(|position| (name.clone(), position))).collect());
                }
                let name = self.alias.clone().unwrap_or_else(|| between.state.model.name.clone());
                row.relations.push((name, Related::One(Some(Box::new(between)))));
            }
        }
        let many = self.model.relations.get(relation).is_some_and(|relation| relation.kind.is_many());
        let related = if many { Related::Many(rows) } else { Related::One(rows.pop().map(Box::new)) };
        if let Some(Some(row)) = self.rows.get_mut(index) {
            row.relations.push((Name::Owned(name.to_owned()), related));
        }
        Ok(())
    }

    fn between_shape(&mut self, alias: Option<&Name>, fields: Option<&[Name]>) {
        self.alias = alias.cloned();
        self.fields = fields.map(<[Name]>::to_vec);
    }

    fn finish(self: Box<Self>) -> Box<dyn Any + Send> {
        let mut rows: Vec<Record> = self.rows.into_iter().flatten().collect();
        settle(&mut rows);
        Box::new(rows)
    }
}
