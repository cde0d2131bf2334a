//! [`Selection`]: columns and expressions read as tuples. [`Columns`]: columns of one model.

use crate::FieldType;
use crate::model::{Column, Embed, EmbeddedColumn, Grain, Model, RowsGrain as Rows, TypedExpr};
use sequor_core::driver::RowReader;
use sequor_core::error::Result;
use sequor_core::statement::{Expr, SelectItem};

/// What is selected: a column, an expression, or a tuple of up to 12.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be selected from `{M}`",
    label = "expected a column or expression of `{M}`, or a tuple of them",
    note = "tuples hold at most 12; a `#[derive(Projection)]` struct holds any number"
)]
pub trait Selection<M> {
    /// One row of the answer.
    type Row: Send + 'static;
    /// Whether there is one row in all, or many.
    type Grain: Grain;
    /// How many cells.
    const WIDTH: usize;

    /// The items of the select list.
    fn items(self, list: &mut Vec<SelectItem>);
    /// Reads one row whose cells start at a position.
    fn decode(row: &mut dyn RowReader, at: usize) -> Result<Self::Row>;
}

impl<M, T: FieldType> Selection<M> for Column<M, T> {
    type Row = T;
    type Grain = Rows;
    const WIDTH: usize = 1;

    fn items(self, list: &mut Vec<SelectItem>) {
        list.push(SelectItem::new(self.to_expr().expr));
    }

    fn decode(row: &mut dyn RowReader, at: usize) -> Result<T> {
        T::decode(row, at)
    }
}

impl<M, T: FieldType, G: Grain> Selection<M> for TypedExpr<M, T, G> {
    type Row = T;
    type Grain = G;
    const WIDTH: usize = 1;

    fn items(self, list: &mut Vec<SelectItem>) {
        list.push(SelectItem { expr: self.expr, alias: self.alias });
    }

    fn decode(row: &mut dyn RowReader, at: usize) -> Result<T> {
        T::decode(row, at)
    }
}

macro_rules! tuple {
    (@grain $only:ident) => { <$only as Selection<M>>::Grain };
    (@grain $first:ident $($rest:ident)+) => { <<$first as Selection<M>>::Grain as Grain>::With<tuple!(@grain $($rest)+)> };
    ($($name:ident $place:tt),+) => {
        #[diagnostic::do_not_recommend]
        impl<M, $($name: Selection<M>),+> Selection<M> for ($($name,)+) {
            type Row = ($($name::Row,)+);
            type Grain = tuple!(@grain $($name)+);
            const WIDTH: usize = 0 $(+ $name::WIDTH)+;

            fn items(self, list: &mut Vec<SelectItem>) {
                $(self.$place.items(list);)+
            }

            #[allow(unused_assignments)]
            fn decode(row: &mut dyn RowReader, at: usize) -> Result<Self::Row> {
                let mut at = at;
                Ok(($({
                    let value = $name::decode(row, at)?;
                    at += $name::WIDTH;
                    value
                },)+))
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);

/// Columns of one model: one, or a tuple of up to 12.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of columns of `{M}`",
    label = "expected columns of `{M}`, such as `({M}::ID, {M}::NAME)`"
)]
pub trait Columns<M> {
    /// The fields as expressions.
    fn exprs(self) -> Vec<Expr>;
}

impl<M, T> Columns<M> for Column<M, T> {
    fn exprs(self) -> Vec<Expr> {
        vec![self.to_expr().expr]
    }
}

/// All columns of an embedded struct.
impl<M: Model, E: Embed> Columns<M> for EmbeddedColumn<M, E> {
    fn exprs(self) -> Vec<Expr> {
        self.fields()
    }
}

impl<M, T, G> Columns<M> for TypedExpr<M, T, G> {
    fn exprs(self) -> Vec<Expr> {
        vec![self.expr]
    }
}

macro_rules! columns_tuple {
    ($($name:ident $place:tt),+) => {
        #[diagnostic::do_not_recommend]
        impl<M, $($name: Columns<M>),+> Columns<M> for ($($name,)+) {
            fn exprs(self) -> Vec<Expr> {
                let mut list = Vec::new();
                $(list.extend(self.$place.exprs());)+
                list
            }
        }
    };
}

columns_tuple!(A 0);
columns_tuple!(A 0, B 1);
columns_tuple!(A 0, B 1, C 2);
columns_tuple!(A 0, B 1, C 2, D 3);
columns_tuple!(A 0, B 1, C 2, D 3, E 4);
columns_tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
columns_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
columns_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
columns_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
columns_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
columns_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
columns_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
