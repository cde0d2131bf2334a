//! [`Order`]: by what rows are sorted.

use crate::model::TypedExpr;
use sequor_core::schema::{Nulls, SortDirection};
use sequor_core::statement::{Expr, OrderBy};
use std::marker::PhantomData;

/// One item of an order, with its direction.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// use sequor::Order;
/// fn by(column: &str) -> Order<User> {
///     match column {
///         "age" => User::AGE.desc_nulls_last(),
///         _ => User::NAME.asc(),
///     }
/// }
/// assert_eq!(User::find_all().order_by(by("age")).exec(&db).await?, [ann]);
/// # Ok(())
/// # }
/// ```
pub struct Order<M> {
    pub(crate) by: OrderBy,
    marker: PhantomData<fn() -> M>,
}

impl<M> Order<M> {
    pub(crate) fn new(expr: Expr, direction: SortDirection, nulls: Option<Nulls>) -> Order<M> {
        Order { by: OrderBy { expr, direction, nulls }, marker: PhantomData }
    }

    /// NULLs before all, on every database.
    #[must_use]
    pub fn nulls_first(mut self) -> Order<M> {
        self.by.nulls = Some(Nulls::First);
        self
    }

    /// NULLs behind all, on every database.
    #[must_use]
    pub fn nulls_last(mut self) -> Order<M> {
        self.by.nulls = Some(Nulls::Last);
        self
    }
}

impl<M> Clone for Order<M> {
    fn clone(&self) -> Self {
        Order { by: self.by.clone(), marker: PhantomData }
    }
}

/// One order, or a tuple of up to 12.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let (db, ann) = seeded().await?;
/// let users = User::find_all().order_by((User::AGE.desc_nulls_last(), User::NAME.asc())).exec(&db).await?;
/// assert_eq!(users, [ann]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an order of `{M}`",
    label = "expected an order with a direction, such as `{M}::ID.asc()`, or a tuple of them",
    note = "say `.asc()` or `.desc()`: an order needs its direction"
)]
pub trait IntoOrder<M> {
    /// The items.
    fn into_order(self) -> Vec<OrderBy>;
}

impl<M> IntoOrder<M> for Order<M> {
    fn into_order(self) -> Vec<OrderBy> {
        vec![self.by]
    }
}

impl<M> IntoOrder<M> for Vec<Order<M>> {
    fn into_order(self) -> Vec<OrderBy> {
        self.into_iter().map(|order| order.by).collect()
    }
}

/// An expression, ascending: `order_by(random())` has no direction to say.
#[diagnostic::do_not_recommend]
impl<M, T, G> IntoOrder<M> for TypedExpr<M, T, G> {
    fn into_order(self) -> Vec<OrderBy> {
        vec![OrderBy { expr: self.expr, direction: SortDirection::Ascending, nulls: None }]
    }
}

macro_rules! tuple {
    ($($name:ident $place:tt),+) => {
        #[diagnostic::do_not_recommend]
        impl<M, $($name: IntoOrder<M>),+> IntoOrder<M> for ($($name,)+) {
            fn into_order(self) -> Vec<OrderBy> {
                let mut items = Vec::new();
                $(items.extend(self.$place.into_order());)+
                items
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
