//! [`Column`]: a field as a typed constant. [`TypedExpr`]: an expression with its type and grain.

use super::operators::Rows;
use sequor_core::Name;
use sequor_core::statement::{Expr, Field};
use std::fmt;
use std::marker::PhantomData;

/// A column of model `M` whose field has the type `T`, its `Option` included.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let eighteen = User::AGE.gte(18).and(User::AGE.ne(99)).and(User::AGE.between(18, 65)).and(User::AGE.is_not_null());
/// let named = User::NAME.like("A%").and(User::NAME.not_like("B%")).and(User::NAME.is_in(["Ann", "Bo"])).and(User::NAME.not_in(["Cy"]));
/// assert_eq!(User::find_all().filter(eighteen.and(named)).exec(&db).await?, [ann.clone()]);
///
/// let selected = (User::NAME.upper(), User::NAME.length(), User::NAME.replace("n", "m"), User::AGE + 1);
/// assert_eq!(User::find_all().select(selected).exec(&db).await?, [("ANN".into(), Some(3), "Amm".into(), Some(32))]);
///
/// // A column is a constant of its model and its type: it can be handed around.
/// fn same<T: sequor::FieldType>(column: Column<User, T>) -> &'static str { column.name() }
/// assert_eq!(same(User::AGE), "age");
/// # Ok(())
/// # }
/// ```
pub struct Column<M, T> {
    name: &'static str,
    position: u16,
    marker: PhantomData<fn() -> (M, T)>,
}

/// An embedded struct of model `M`: its columns are reached by [`EmbeddedColumn::at`].
pub struct EmbeddedColumn<M, E> {
    position: u16,
    marker: PhantomData<fn() -> (M, E)>,
}

/// An expression over model `M` of type `T`; `G` says whether it has a value for each row or one in all.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::TypedExpr;
/// fn next_year() -> TypedExpr<User, Option<i32>> {
///     User::AGE + 1
/// }
/// assert_eq!(User::find_all().filter(next_year().gt(31)).select(next_year().alias("next")).exec(&db).await?, [Some(32)]);
/// # drop(ann);
/// # Ok(())
/// # }
/// ```
pub struct TypedExpr<M, T, G = Rows> {
    pub(crate) expr: Expr,
    pub(crate) alias: Option<Name>,
    pub(crate) marker: PhantomData<fn() -> (M, T, G)>,
}

impl<M, T> Column<M, T> {
    /// The column at a position. What the derive writes.
    pub const fn new(name: &'static str, position: u16) -> Column<M, T> {
        Column { name, position, marker: PhantomData }
    }

    /// The field's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The column's position in the model.
    pub const fn position(&self) -> usize {
        self.position as usize
    }

    pub(crate) fn expr(self) -> Expr {
        Expr::Field(Field { path: Vec::new(), name: Name::Borrowed(self.name), position: Some(self.position) })
    }

    /// The column as an expression, for use with functions.
    pub fn to_expr(self) -> TypedExpr<M, T> {
        TypedExpr::new(self.expr())
    }

    /// The column under another name in the result.
    pub fn alias(self, name: &'static str) -> TypedExpr<M, T> {
        self.to_expr().alias(name)
    }
}

impl<M, E> EmbeddedColumn<M, E> {
    /// The embedded struct whose first column is at a position. What the derive writes.
    pub const fn new(position: u16) -> EmbeddedColumn<M, E> {
        EmbeddedColumn { position, marker: PhantomData }
    }

    /// The positions of its columns in the model.
    pub(crate) fn positions(self) -> std::ops::Range<usize>
    where
        E: super::Embed,
    {
        usize::from(self.position)..usize::from(self.position) + usize::from(E::COUNT)
    }

    /// All of its columns, as fields of the model.
    pub(crate) fn fields(self) -> Vec<Expr>
    where
        M: super::Model,
        E: super::Embed,
    {
        let columns = &M::model().columns;
        let field = |at: usize| Some(Field { path: Vec::new(), name: columns.get(at)?.name.clone(), position: u16::try_from(at).ok() });
        self.positions().filter_map(field).map(Expr::Field).collect()
    }

    /// One of its columns: `User::ADDRESS.at(Address::CITY)`, or a struct embedded in it: `User::ADDRESS.at(Address::GEO).at(Geo::LAT)`.
    pub fn at<C: Embedded<E>>(self, inner: C) -> C::On<M> {
        inner.on(self.position)
    }
}

/// What lies in an embedded struct `E`: its columns and the structs embedded in it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no column of `{E}`",
    label = "not a column of `{E}`",
    note = "write a constant of the embedded struct: `User::ADDRESS.at(Address::CITY)`"
)]
pub trait Embedded<E> {
    /// The same as a column of the model.
    type On<M>;

    /// The same as a column of the model whose embedded struct begins at a position.
    fn on<M>(self, start: u16) -> Self::On<M>;
}

impl<E, T> Embedded<E> for Column<E, T> {
    type On<M> = Column<M, T>;

    fn on<M>(self, start: u16) -> Column<M, T> {
        Column::new(self.name, start + self.position)
    }
}

impl<E, I> Embedded<E> for EmbeddedColumn<E, I> {
    type On<M> = EmbeddedColumn<M, I>;

    fn on<M>(self, start: u16) -> EmbeddedColumn<M, I> {
        EmbeddedColumn::new(start + self.position)
    }
}

impl<M, T, G> TypedExpr<M, T, G> {
    pub(crate) fn new(expr: Expr) -> TypedExpr<M, T, G> {
        TypedExpr { expr, alias: None, marker: PhantomData }
    }

    /// Names it in the result, so that [`crate::query::alias`] can refer to it.
    #[must_use]
    pub fn alias(mut self, name: &'static str) -> TypedExpr<M, T, G> {
        self.alias = Some(Name::Borrowed(name));
        self
    }
}

impl<M, T> Clone for Column<M, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T> Copy for Column<M, T> {}

impl<M, E> Clone for EmbeddedColumn<M, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, E> Copy for EmbeddedColumn<M, E> {}

impl<M, T, G> Clone for TypedExpr<M, T, G> {
    fn clone(&self) -> Self {
        TypedExpr { expr: self.expr.clone(), alias: self.alias.clone(), marker: PhantomData }
    }
}

impl<M, T> fmt::Debug for Column<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<M, T, G> fmt::Debug for TypedExpr<M, T, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}
