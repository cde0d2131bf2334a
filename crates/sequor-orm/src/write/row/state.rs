//! [`RowState`]: a row on its way into the database, whatever its type.

use sequor_core::Value;
use sequor_core::schema::ModelDef;
use sequor_core::statement::Expr;
use std::sync::Arc;

/// A row that is to be written: the values given, and those that were loaded.
#[derive(Clone, Debug)]
pub struct RowState {
    /// The model.
    pub model: Arc<ModelDef>,
    /// The value of each column; `None` was not given.
    pub values: Vec<Option<Value>>,
    /// The values as they are stored; `None` for a row that is not stored yet.
    pub original: Option<Vec<Value>>,
    /// Rows that hang on it, by the position of their relation.
    pub children: Vec<(usize, Vec<Child>)>,
    /// Columns whose value the database computes from an expression when the row is written.
    pub computed: Vec<(usize, Expr)>,
}

/// A row that hangs on a draft.
#[derive(Clone, Debug)]
pub struct Child {
    /// The row: new, or stored already when it has an original.
    pub row: RowState,
    /// Values of the row between (many-to-many), by field name.
    pub through: Vec<(sequor_core::Name, Value)>,
}

impl RowState {
    /// A new row without values.
    pub fn new(model: Arc<ModelDef>) -> RowState {
        RowState { values: vec![None; model.columns.len()], model, original: None, children: Vec::new(), computed: Vec::new() }
    }

    /// A row as it is stored.
    pub fn stored(model: Arc<ModelDef>, values: Vec<Value>) -> RowState {
        RowState {
            values: values.iter().cloned().map(Some).collect(),
            model,
            original: Some(values),
            children: Vec::new(),
            computed: Vec::new(),
        }
    }

    /// Whether the database computes this column.
    pub(crate) fn computes(&self, position: usize) -> bool {
        self.computed.iter().any(|(known, _)| *known == position)
    }
}
