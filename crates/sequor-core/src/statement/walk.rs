//! [`walk`]: the one visitor over expressions.

use super::{Expr, QueryUse, RawPart};

/// Calls `visit` on each child of an expression, so that a rewrite names only the nodes that it changes. Sub-queries are left alone.
///
/// # Errors
/// The first error of `visit`.
pub fn walk<E>(expr: &mut Expr, visit: &mut dyn FnMut(&mut Expr) -> Result<(), E>) -> Result<(), E> {
    match expr {
        Expr::Field(_)
        | Expr::Relation(_)
        | Expr::Column { .. }
        | Expr::Alias(_)
        | Expr::Value(..)
        | Expr::Default
        | Expr::Now
        | Expr::Star
        | Expr::Invalid(_)
        | Expr::Proposed(_)
        | Expr::Inserted
        | Expr::Exists { .. }
        | Expr::Select(_) => Ok(()),
        Expr::And(list) | Expr::Or(list) | Expr::Tuple(list) | Expr::List(list) => list.iter_mut().try_for_each(visit),
        Expr::Query(query) => match &mut query.usage {
            QueryUse::In { exprs, .. } => exprs.iter_mut().try_for_each(visit),
            QueryUse::Scalar | QueryUse::Exists { .. } | QueryUse::Reached { .. } => Ok(()),
        },
        Expr::Outer(expr)
        | Expr::Parent(expr)
        | Expr::Unary(_, expr)
        | Expr::IsNull { expr, .. }
        | Expr::Cast(expr, _)
        | Expr::Json { expr, .. }
        | Expr::InSelect { expr, .. } => visit(expr),
        Expr::Binary(_, left, right) | Expr::Quantified { left, right, .. } => {
            visit(left)?;
            visit(right)
        }
        Expr::Between { expr, low, high, .. } => {
            visit(expr)?;
            visit(low)?;
            visit(high)
        }
        Expr::Search(search) => search.columns.iter_mut().try_for_each(visit),
        Expr::InValues { exprs, .. } => exprs.iter_mut().try_for_each(visit),
        Expr::InExprs { expr, list, .. } => {
            visit(expr)?;
            list.iter_mut().try_for_each(visit)
        }
        Expr::Like { expr, pattern, .. } => {
            visit(expr)?;
            visit(pattern)
        }
        Expr::JsonSet { expr, value, .. } => {
            visit(expr)?;
            value.iter_mut().try_for_each(|value| visit(value))
        }
        Expr::Call { args, filter, .. } => {
            args.iter_mut().try_for_each(&mut *visit)?;
            filter.iter_mut().try_for_each(|filter| visit(filter))
        }
        Expr::Over(window) => {
            visit(&mut window.call)?;
            window.partition.iter_mut().try_for_each(&mut *visit)?;
            window.order.iter_mut().try_for_each(|order| visit(&mut order.expr))
        }
        Expr::Case { arms, otherwise } => {
            for arm in arms {
                visit(&mut arm.when)?;
                visit(&mut arm.then)?;
            }
            otherwise.iter_mut().try_for_each(|otherwise| visit(otherwise))
        }
        Expr::Raw(parts) => parts.iter_mut().try_for_each(|part| match part {
            RawPart::Expr(expr) => visit(expr),
            RawPart::Text(_) | RawPart::Value(..) | RawPart::NoneOf(_) => Ok(()),
        }),
    }
}
