//! Decimals stay exact: arithmetic, sums and comparisons over decimal columns are marked, so that a database without decimals can use its functions.

use super::Planner;
use super::rewrite::Scope;
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Exact, Expr, Field, Func, Quantifier, UnaryOp};
use sequor_core::types::{ColumnType, ScalarType};
use std::sync::Arc;

impl Planner<'_> {
    /// Whether an expression that is about to be rewritten gives an exact decimal that has to be marked.
    pub(super) fn is_exact(&self, expr: &Expr, scope: &Scope) -> bool {
        let marked = matches!(
            expr,
            Expr::Binary(BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide, ..)
                | Expr::Unary(UnaryOp::Negate, _)
                | Expr::Call { .. }
                | Expr::Over(_)
                | Expr::Relation(_)
        );
        marked
            && (matches!(expr, Expr::Call { func: Func::Avg | Func::Mean, args, .. } if args.iter().any(|arg| self.is_decimal(arg, &scope.model)))
                || self.is_decimal(expr, &scope.model))
    }

    fn is_decimal(&self, expr: &Expr, model: &Arc<ModelDef>) -> bool {
        match expr {
            Expr::Field(field) => self.is_decimal_field(field, model).unwrap_or(false),
            Expr::Value(_, bind) => bind.scalar == ScalarType::Decimal,
            Expr::Binary(BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide, left, right) => {
                self.is_decimal(left, model) || self.is_decimal(right, model)
            }
            Expr::Unary(UnaryOp::Negate, inner) => self.is_decimal(inner, model),
            Expr::Over(window) => self.is_decimal(&window.call, model),
            Expr::Call { func, args, .. } => {
                let keeps = matches!(
                    func,
                    Func::Sum
                        | Func::Min
                        | Func::Max
                        | Func::Coalesce
                        | Func::NullIf
                        | Func::Abs
                        | Func::Round
                        | Func::Greatest
                        | Func::Least
                        | Func::Lag
                        | Func::Lead
                        | Func::FirstValue
                        | Func::LastValue
                );
                keeps && args.iter().any(|arg| self.is_decimal(arg, model))
            }
            Expr::Relation(relation) if relation.quantifier == Quantifier::Aggregate => {
                let target = model.relation(&relation.relation).and_then(|def| def.link(model, self.models).ok());
                match (&relation.aggregate, target) {
                    (Some(aggregate), Some(link)) => self.is_decimal(aggregate, &link.target),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn is_decimal_field(&self, field: &Field, model: &Arc<ModelDef>) -> Option<bool> {
        let (model, position) = self.reached_column(field, model)?;
        Some(matches!(model.columns.get(position)?.ty, ColumnType::Decimal(_)))
    }

    /// The model and the position of the column that a field means, over the relations of its path.
    pub(super) fn reached_column(&self, field: &Field, model: &Arc<ModelDef>) -> Option<(Arc<ModelDef>, usize)> {
        let mut model = model.clone();
        for relation in &field.path {
            model = model.relation(relation)?.link(&model, self.models).ok()?.target;
        }
        let position = field.position.map(usize::from).or_else(|| model.position(&field.name))?;
        Some((model, position))
    }
}

/// Marks a rewritten expression.
pub(crate) fn mark_exact(expr: &mut Expr) {
    let taken = std::mem::replace(expr, Expr::Default);
    *expr = match taken {
        Expr::Binary(op, left, right) => {
            let exact = match op {
                BinaryOp::Add => Exact::Add,
                BinaryOp::Subtract => Exact::Subtract,
                BinaryOp::Multiply => Exact::Multiply,
                _ => Exact::Divide,
            };
            value(Expr::call(Func::Exact(exact), vec![*left, *right]))
        }
        Expr::Unary(_, inner) => value(Expr::call(Func::Exact(Exact::Negate), vec![*inner])),
        Expr::Call { func: Func::Avg | Func::Mean, args, distinct, filter } => {
            Expr::Call { func: Func::Exact(Exact::Average), args, distinct, filter }
        }
        Expr::Call { func, args, distinct, filter } => {
            let func = match func {
                Func::Sum => Func::Exact(Exact::Sum),
                Func::Abs => Func::Exact(Exact::Absolute),
                Func::Round => Func::Exact(Exact::Round),
                other => other,
            };
            value(Expr::Call { func, args, distinct, filter })
        }
        Expr::Over(mut window) => {
            if let Expr::Call { func: Func::Exact(Exact::Value), args, .. } = &mut window.call
                && let Some(inner) = args.pop()
            {
                window.call = inner;
            }
            value(Expr::Over(window))
        }
        other => value(other),
    };
}

fn value(expr: Expr) -> Expr {
    Expr::call(Func::Exact(Exact::Value), vec![expr])
}
