//! [`RowState`]: a row on its way into the database, whatever its type.

use sequor_core::Value;
use sequor_core::error::Result;
use sequor_core::schema::{ColumnDef, ModelDef};
use sequor_core::statement::Expr;
use std::sync::Arc;

/// A row that is to be written: the values given, and those that were loaded. `Debug` shows `sensitive` ones as `***`.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// db.global_hooks().before_save("trim", |row, _| Box::pin(async move {
///     if let Some(sequor::Value::Text(name)) = row.get("name")?.cloned() {
///         row.set("name", name.trim())?;
///     }
///     assert!(row.model() == "User" && row.is_new() && row.previous("name")?.is_none());
///     assert_eq!(row.changed_fields(), ["name"]);
///     Ok(())
/// }));
/// assert_eq!(draft!(User { name: " Bo " }).create(&db).await?.name, "Bo");
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
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
    /// Columns of a stored row that were not loaded: whatever they are given is a change.
    pub(crate) unread: Vec<usize>,
}

/// A row that hangs on a draft. `Debug` leaves out the values of the row between.
#[derive(Clone)]
pub struct Child {
    /// The row: new, or stored already when it has an original.
    pub row: RowState,
    /// Values of the row between (many-to-many), by field name.
    pub through: Vec<(sequor_core::Name, Value)>,
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.row.fmt(f)
    }
}

impl std::fmt::Debug for RowState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct(&self.model.name);
        for (position, column) in self.model.columns.iter().enumerate() {
            if let Some(value) = self.values.get(position).and_then(Option::as_ref) {
                text.field(&column.name, &shown(column, value));
            }
            if self.computes(position) {
                text.field(&column.name, &format_args!("(computed by the database)"));
            }
        }
        if let Some(original) = &self.original {
            let stored = self.model.columns.iter().zip(original).map(|(column, value)| (&column.name, shown(column, value)));
            text.field("stored", &stored.collect::<Vec<_>>());
        }
        for (relation, children) in &self.children {
            if let Some(relation) = self.model.relations.get(*relation) {
                text.field(&relation.name, children);
            }
        }
        text.finish()
    }
}

struct Hidden;

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// A value as `Debug` shows it; that of a `sensitive` column is not shown.
pub(crate) fn shown<'a>(column: &ColumnDef, value: &'a Value) -> &'a dyn std::fmt::Debug {
    if column.sensitive { &Hidden } else { value }
}

impl RowState {
    /// Whether a column was given a value, or an expression that the database computes.
    pub(crate) fn gives(&self, position: usize) -> bool {
        self.values[position].is_some() || self.computed.iter().any(|(known, _)| *known == position)
    }

    /// A new row without values.
    pub fn new(model: Arc<ModelDef>) -> RowState {
        // Without cloning: this is most of what an empty row costs.
        let values = std::iter::repeat_with(|| None).take(model.columns.len()).collect();
        RowState { values, model, original: None, children: Vec::new(), computed: Vec::new(), unread: Vec::new() }
    }

    /// A row as it is stored.
    pub fn stored(model: Arc<ModelDef>, values: Vec<Value>) -> RowState {
        RowState {
            values: values.iter().cloned().map(Some).collect(),
            model,
            original: Some(values),
            children: Vec::new(),
            computed: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// Its values alone, for who is told of it: what hooks set from here on is not among them.
    pub(crate) fn as_it_is(&self) -> RowState {
        RowState { values: self.values.clone(), ..RowState::new(self.model.clone()) }
    }

    /// The primary key as the row has it now.
    pub(crate) fn present_key(&self) -> Vec<Value> {
        self.model.primary_key.iter().map(|position| self.values[*position].clone().unwrap_or_default()).collect()
    }

    /// Takes over what others stored since the row was loaded. What was changed stays changed; the version stays the one that was loaded, so that a conflict is seen.
    pub(crate) fn catch_up(&mut self, stored: RowState) {
        let version = self.model.version;
        self.take_over(stored, version);
    }

    /// Takes over what a statement of its own left in the database, the version too. What was changed and not saved stays so.
    pub(crate) fn follow(&mut self, stored: RowState) {
        self.take_over(stored, None);
    }

    fn take_over(&mut self, stored: RowState, kept: Option<usize>) {
        let changed = self.changed();
        let (Some(original), Some(values)) = (&mut self.original, stored.original) else { return };
        for (position, value) in values.into_iter().enumerate().filter(|(position, _)| Some(*position) != kept) {
            if !changed.contains(&position) {
                self.values[position] = Some(value.clone());
            }
            original[position] = value;
        }
        self.unread = stored.unread;
    }

    /// Whether the database computes this column.
    pub(crate) fn computes(&self, position: usize) -> bool {
        self.computed.iter().any(|(known, _)| *known == position)
    }

    /// A row without even places for its values.
    pub(crate) fn empty(model: Arc<ModelDef>) -> RowState {
        RowState { values: Vec::new(), model, original: None, children: Vec::new(), computed: Vec::new(), unread: Vec::new() }
    }

    /// The row, of which only the model is left here.
    pub(crate) fn take(&mut self) -> RowState {
        let empty = RowState::empty(self.model.clone());
        std::mem::replace(self, empty)
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model.name
    }

    /// Whether the row is not stored yet.
    pub fn is_new(&self) -> bool {
        self.original.is_none()
    }

    fn position(&self, field: &str) -> Result<usize> {
        self.model.position(field).ok_or_else(|| self.model.unknown(field))
    }

    /// The value of a field, if one was given.
    ///
    /// # Errors
    /// `Usage` that names the fields there are, for an unknown one.
    pub fn get(&self, field: &str) -> Result<Option<&Value>> {
        Ok(self.values.get(self.position(field)?).and_then(Option::as_ref))
    }

    /// Gives a field a value.
    ///
    /// # Errors
    /// `Usage` that names the fields there are, for an unknown one.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> Result<()> {
        let position = self.position(field)?;
        self.values[position] = Some(value.into());
        Ok(())
    }

    /// The value of a field as it is stored; `None` for a row that is not stored yet.
    ///
    /// # Errors
    /// `Usage` that names the fields there are, for an unknown one.
    pub fn previous(&self, field: &str) -> Result<Option<&Value>> {
        let position = self.position(field)?;
        Ok(self.original.as_ref().and_then(|values| values.get(position)))
    }

    /// The names of the fields that differ from what is stored; those given, of a new row.
    pub fn changed_fields(&self) -> Vec<&str> {
        self.changed().into_iter().map(|position| self.model.columns[position].name.as_ref()).collect()
    }
}
