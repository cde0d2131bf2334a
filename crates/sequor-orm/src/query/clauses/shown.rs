//! Queries as `Debug` shows them: what is asked, without any value, since one may be that of a `sensitive` field.

use super::{Clauses, IncludeState, QueryState};
use sequor_core::Value;
use sequor_core::statement::{Expr, RawPart, walk};
use std::fmt;

/// An expression without its values.
pub(crate) struct ShownExpr<'a>(pub(crate) &'a Expr);

impl fmt::Debug for ShownExpr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut copy = self.0.clone();
        hide(&mut copy);
        copy.fmt(f)
    }
}

fn hide(expr: &mut Expr) {
    let hidden = |value: &mut Value| *value = Value::Text("***".to_owned());
    match expr {
        Expr::Value(value, _) => hidden(value),
        Expr::InValues { rows, .. } => rows.iter_mut().flatten().for_each(hidden),
        Expr::Raw(parts) => parts.iter_mut().for_each(|part| match part {
            RawPart::Value(value, _) => hidden(value),
            RawPart::Expr(expr) => hide(expr),
            RawPart::Text(_) | RawPart::NoneOf(_) => {}
        }),
        Expr::Relation(relation) => {
            let relation = &mut **relation;
            [&mut relation.filter, &mut relation.through, &mut relation.aggregate].into_iter().flatten().for_each(hide);
        }
        // What they hold inside is not looked into.
        Expr::Query(_) | Expr::Exists { .. } | Expr::Select(_) | Expr::InSelect { .. } => *expr = Expr::Alias("(a query)".into()),
        Expr::Search(_) => *expr = Expr::Alias("(a search)".into()),
        other => {
            let _ = walk(other, &mut |child| {
                hide(child);
                Ok::<(), ()>(())
            });
        }
    }
}

/// A query without its values.
pub(crate) struct ShownQuery<'a>(pub(crate) &'a QueryState);

impl fmt::Debug for ShownQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Query");
        text.field("model", &self.0.model.name);
        fields(&mut text, &self.0.clauses);
        text.finish_non_exhaustive()
    }
}

/// An include without its values.
pub(crate) struct ShownInclude<'a>(pub(crate) &'a IncludeState);

impl fmt::Debug for ShownInclude<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Include");
        text.field("relation", &self.0.relation).field("required", &self.0.required);
        fields(&mut text, &self.0.clauses);
        text.finish_non_exhaustive()
    }
}

fn fields(text: &mut fmt::DebugStruct<'_, '_>, clauses: &Clauses) {
    let exprs = |exprs: &'_ [Expr]| exprs.iter().map(|expr| format!("{:?}", ShownExpr(expr))).collect::<Vec<_>>().join(" AND ");
    for (name, list) in [("filter", &clauses.filters), ("having", &clauses.having), ("group", &clauses.group)] {
        if !list.is_empty() {
            text.field(name, &format_args!("{}", exprs(list)));
        }
    }
    if !clauses.order.is_empty() {
        let by = |(expr, direction): (ShownExpr<'_>, _)| format!("{expr:?} {direction:?}");
        let list = clauses.order.iter().map(|order| by((ShownExpr(&order.expr), order.direction)));
        text.field("order", &format_args!("{}", list.collect::<Vec<_>>().join(", ")));
    }
    for (name, number) in [("limit", clauses.limit), ("offset", clauses.offset)] {
        if let Some(number) = number {
            text.field(name, &number);
        }
    }
    if !clauses.includes.is_empty() {
        text.field("includes", &clauses.includes.iter().map(ShownInclude).collect::<Vec<_>>());
    }
}
