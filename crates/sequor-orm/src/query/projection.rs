//! [`Projection`]: columns, expressions and related rows of a model as a struct.

use super::IncludeState;
use crate::model::Model;
use sequor_core::Name;
use sequor_core::driver::RowReader;
use sequor_core::error::{Error, Result};
use sequor_core::schema::ModelDef;
use sequor_core::statement::{CaseArm, Expr, SelectItem};
use sequor_core::types::{BindType, ScalarType};
use std::any::Any;
use std::fmt;

/// One item of a projection.
#[derive(Clone, Debug)]
pub enum ProjectionItem {
    /// A column or expression of the model, and the field that it fills.
    Expr(Expr, Option<Name>),
    /// A projection of a to-one relation, joined.
    One {
        /// The relation.
        relation: Name,
        /// The items of the inner projection.
        items: Vec<ProjectionItem>,
        /// What is NULL where the row is missing, if it may be: a cell of its own before those of the items.
        presence: Option<Presence>,
    },
    /// Projections of a to-many relation, read by a statement of their own.
    Many(Box<ProjectionList>),
}

/// How a missing row of an optional projection is told from one that holds NULL.
#[derive(Clone, Copy, Debug)]
pub struct Presence {
    /// Its model.
    pub(crate) model: fn() -> &'static std::sync::Arc<ModelDef>,
}

/// The rows of a to-many relation in a projection, each a projection.
#[derive(Clone)]
pub struct ProjectionList {
    pub(crate) include: IncludeState,
    pub(crate) items: fn() -> Vec<ProjectionItem>,
    pub(crate) rows: fn() -> Box<dyn ListRows>,
}

impl fmt::Debug for ProjectionList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.include.fmt(f)
    }
}

impl ProjectionItem {
    /// A list of `P`, under the name of a field.
    pub(crate) fn many<P: Projection>(mut include: IncludeState, name: &'static str) -> ProjectionItem {
        include.alias = Some(Name::Borrowed(name));
        ProjectionItem::Many(Box::new(ProjectionList { include, items: P::items, rows: TypedRows::<P>::boxed }))
    }
}

/// A struct that holds some columns, expressions and related rows of a model. Implemented by `#[derive(Projection)]`.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a projection", label = "add `#[derive(Projection)] #[projection(of = Model)]`")]
pub trait Projection: Sized + Send + 'static {
    /// The model.
    type Of: Model;
    /// How many cells.
    const WIDTH: usize;
    /// How many lists, those of to-one projections inside included.
    const LISTS: usize = 0;

    /// What is selected.
    fn items() -> Vec<ProjectionItem>;
    /// Reads one row whose cells start at a position; its lists are empty.
    fn decode(row: &mut dyn RowReader, at: usize) -> Result<Self>;
    /// Puts the rows of a list in their place.
    fn fill(&mut self, _list: usize, _rows: Box<dyn Any + Send>) -> Result<()> {
        Err(Error::bug("a projection without lists was given one"))
    }
    /// The same once more: two parents may share a row.
    fn copy(&self) -> Self;
}

/// Rows of some projection.
pub(crate) trait ListRows: Send {
    /// How many.
    fn len(&self) -> usize;
    /// Reads one more row, whose cells start at 0.
    fn push(&mut self, row: &mut dyn RowReader) -> Result<()>;
    /// Puts the rows of a list into a row.
    fn fill(&mut self, row: usize, list: usize, rows: Box<dyn Any + Send>) -> Result<()>;
    /// Some rows as a `Vec` of the projection; where rows are not shared they are taken only once.
    fn take(&mut self, picks: &[usize], shared: bool) -> Box<dyn Any + Send>;
}

/// Rows of one projection.
pub(crate) struct TypedRows<P> {
    rows: Vec<Option<P>>,
}

impl<P: Projection> TypedRows<P> {
    /// None yet.
    pub(crate) fn boxed() -> Box<dyn ListRows> {
        Box::new(TypedRows::<P> { rows: Vec::new() })
    }
}

impl<P: Projection> ListRows for TypedRows<P> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn push(&mut self, row: &mut dyn RowReader) -> Result<()> {
        self.rows.push(Some(P::decode(row, 0)?));
        Ok(())
    }

    fn fill(&mut self, row: usize, list: usize, rows: Box<dyn Any + Send>) -> Result<()> {
        match self.rows.get_mut(row).and_then(Option::as_mut) {
            Some(projection) => projection.fill(list, rows),
            None => Err(Error::bug("a list for a row that is not there")),
        }
    }

    fn take(&mut self, picks: &[usize], shared: bool) -> Box<dyn Any + Send> {
        let take = |row: &usize| {
            let row = self.rows.get_mut(*row)?;
            if shared { row.as_ref().map(P::copy) } else { row.take() }
        };
        let taken: Vec<P> = picks.iter().filter_map(take).collect();
        Box::new(taken)
    }
}

/// Spreads the items of a projection into a select list; inner projections become fields over their relation. `single` says that the
/// answer has whole rows, whose keys can be read beside them.
pub(crate) fn spread(items: Vec<ProjectionItem>, path: &[Name], single: bool, list: &mut Vec<SelectItem>) {
    for item in items {
        match item {
            ProjectionItem::Expr(expr, _) => list.push(SelectItem::new(crate::plan::prefixed(expr, path))),
            ProjectionItem::One { relation, items, presence } => {
                let path = [path, &[relation]].concat();
                let place = list.len();
                spread(items, &path, single, list);
                if let Some(presence) = presence {
                    let expr = presence.expr(&path, single).unwrap_or_else(|| any_value(&list[place..]));
                    list.insert(place, SelectItem::new(expr));
                }
            }
            ProjectionItem::Many(_) => {}
        }
    }
}

/// What fills a field of a projection: `alias("posts")` in an order means it.
pub(crate) fn field_of<P: Projection>(field: &str) -> Option<Expr> {
    P::items().into_iter().find_map(|item| match item {
        ProjectionItem::Expr(expr, Some(name)) if name == field => Some(expr),
        _ => None,
    })
}

impl Presence {
    /// The first column of the row's key.
    fn expr(&self, path: &[Name], single: bool) -> Option<Expr> {
        let model = (self.model)();
        let key = model.primary_key.first().filter(|_| single)?;
        Some(crate::plan::prefixed(Expr::Field(crate::plan::field(model, *key)), path))
    }
}

/// 1 where any of some items is not NULL.
fn any_value(items: &[SelectItem]) -> Expr {
    let one = Expr::Value(crate::Value::I64(1), BindType::one(ScalarType::I32));
    let given = items.iter().map(|item| Expr::IsNull { expr: Box::new(item.expr.clone()), negated: true });
    Expr::Case { arms: vec![CaseArm { when: Expr::Or(given.collect()), then: one }], otherwise: None }
}

/// The lists among the items of a projection, each with the to-one relations that lead to it, in the order in which the derive counts them.
pub(crate) fn lists_of(items: Vec<ProjectionItem>, path: &[Name], lists: &mut Vec<(Vec<Name>, ProjectionList)>) {
    for item in items {
        match item {
            ProjectionItem::Expr(..) => {}
            ProjectionItem::One { relation, items, .. } => lists_of(items, &[path, &[relation]].concat(), lists),
            ProjectionItem::Many(list) => lists.push((path.to_vec(), *list)),
        }
    }
}
