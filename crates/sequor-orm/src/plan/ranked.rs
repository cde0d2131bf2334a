//! Enums are compared in the order in which they are sorted, UUIDs and bytes have a smallest and a largest: what compares, sorts or picks among
//! them is marked, so that a database with another idea can be told.

use super::Planner;
use super::rewrite::Scope;
use sequor_core::error::Result;
use sequor_core::schema::ModelDef;
use sequor_core::statement::{BinaryOp, Expr, Field, Func, Quantifier, Ranking};
use sequor_core::types::ColumnType;
use std::sync::Arc;

impl Planner<'_> {
    /// How an expression that is about to be rewritten has to be marked, if it compares or picks.
    pub(super) fn ranks(&self, expr: &Expr, scope: &Scope) -> Option<Ranking> {
        use BinaryOp::{Greater, GreaterEqual, Less, LessEqual};
        let model = &scope.model;
        match expr {
            Expr::Binary(Less | LessEqual | Greater | GreaterEqual, left, right) => {
                self.labels(left, model).or_else(|| self.labels(right, model))
            }
            Expr::Between { expr, low, high, .. } => [expr, low, high].into_iter().find_map(|part| self.labels(part, model)),
            Expr::Call { func: Func::Min | Func::Max, args, .. } => self.ranking(args.first()?, model),
            Expr::Call { func: Func::Greatest | Func::Least, args, .. } => args.iter().find_map(|arg| self.labels(arg, model)),
            Expr::Over(window) => self.ranks(&window.call, scope),
            _ => None,
        }
    }

    /// An expression by which rows are sorted.
    pub(super) fn rewrite_order(&mut self, expr: Expr, scope: &Scope) -> Result<Expr> {
        let labels = self.labels(&expr, &scope.model);
        let expr = self.rewrite(expr, scope)?;
        Ok(match labels {
            Some(labels) => ranked(expr, labels),
            None => expr,
        })
    }

    /// The order of an expression whose values are labels of an enum.
    pub(super) fn labels(&self, expr: &Expr, model: &Arc<ModelDef>) -> Option<Ranking> {
        self.ranking(expr, model).filter(|ranking| matches!(ranking, Ranking::Labels(_)))
    }

    fn ranking(&self, expr: &Expr, model: &Arc<ModelDef>) -> Option<Ranking> {
        match expr {
            Expr::Field(field) => self.ranking_of_field(field, model),
            Expr::Over(window) => self.ranking(&window.call, model),
            Expr::Call { func, args, .. } => {
                let keeps = matches!(
                    func,
                    Func::Min
                        | Func::Max
                        | Func::Coalesce
                        | Func::NullIf
                        | Func::Greatest
                        | Func::Least
                        | Func::Lag
                        | Func::Lead
                        | Func::FirstValue
                        | Func::LastValue
                        | Func::NthValue
                );
                if keeps { args.iter().find_map(|arg| self.ranking(arg, model)) } else { None }
            }
            Expr::Relation(relation) if relation.quantifier == Quantifier::Aggregate => {
                let target = model.relation(&relation.relation)?.link(model, self.models).ok()?.target;
                self.ranking(relation.aggregate.as_ref()?, &target)
            }
            _ => None,
        }
    }

    fn ranking_of_field(&self, field: &Field, model: &Arc<ModelDef>) -> Option<Ranking> {
        let (model, position) = self.reached_column(field, model)?;
        let column = model.columns.get(position)?;
        match &column.ty {
            // Of a type of one's own nobody knows the order.
            ColumnType::Enum(definition) if column.db_type.is_none() => Some(Ranking::Labels(definition.labels.clone().into())),
            ColumnType::Uuid => Some(Ranking::Uuid),
            ColumnType::Bytes => Some(Ranking::Bytes),
            _ => None,
        }
    }
}

/// Marks what sorts, or is compared.
pub(super) fn ranked(expr: Expr, ranking: Ranking) -> Expr {
    match expr {
        Expr::Call { func: Func::Unranked(_), mut args, .. } if args.len() == 1 => args.remove(0),
        other => Expr::call(Func::Ranked(ranking), vec![other]),
    }
}

/// Marks a rewritten expression.
pub(super) fn mark_ranked(expr: &mut Expr, ranking: Ranking) {
    let mark = |part: &mut Expr| *part = ranked(std::mem::replace(part, Expr::Default), ranking.clone());
    match expr {
        Expr::Binary(_, left, right) => {
            mark(left);
            mark(right);
        }
        Expr::Between { expr, low, high, .. } => [expr, low, high].into_iter().for_each(|part| mark(part)),
        Expr::Call { args, .. } => {
            args.iter_mut().for_each(mark);
            *expr = Expr::call(Func::Unranked(ranking), vec![std::mem::replace(expr, Expr::Default)]);
        }
        Expr::Over(window) => {
            // The call is marked already; its value is made again outside of the window.
            if let Expr::Call { func: Func::Unranked(_), args, .. } = &mut window.call
                && let Some(inner) = args.pop()
            {
                window.call = inner;
            }
            *expr = Expr::call(Func::Unranked(ranking), vec![std::mem::replace(expr, Expr::Default)]);
        }
        _ => {}
    }
}
