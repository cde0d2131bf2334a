//! The closed list of functions, as each dialect spells them.

mod date;
mod rank;

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{BinaryOp, Exact, Expr, Func, RawPart, UnaryOp};

impl SqlWriter {
    pub(crate) fn call(&mut self, func: &Func, args: &[Expr], distinct: bool, filter: Option<&Expr>) -> Result<()> {
        match func {
            Func::DatePart => return self.date_part(args),
            Func::DateTrunc => return self.date_trunc(args),
            Func::Avg | Func::Mean if self.dialect == Dialect::Postgres => {
                self.plain("avg", args, distinct)?;
                self.filter(filter)?;
                self.push("::float8");
                return Ok(());
            }
            Func::Mean if self.dialect.is_mysql() => {
                let float =
                    Expr::Raw(vec![RawPart::Expr(Box::new(args.first().cloned().unwrap_or(Expr::Star))), RawPart::Text(" + 0e0".into())]);
                self.plain("avg", &[float], distinct)?;
                return self.filter(filter);
            }
            Func::Greatest | Func::Least if args.len() == 2 && self.dialect != Dialect::Postgres => {
                // PostgreSQL leaves NULL out, the others give NULL.
                let name = self.function_name(func)?;
                self.push("coalesce(");
                self.plain(&name, args, false)?;
                self.push(", ");
                self.list(args, |writer, arg| writer.expr(arg))?;
                self.push(")");
                return Ok(());
            }
            Func::Exact(exact) => return self.exact(*exact, args, distinct, filter),
            Func::Ranked(ranking) => return self.ranked(ranking, args),
            Func::Unranked(ranking) => return self.unranked(ranking, args),
            Func::StringAgg => return self.string_agg(args, distinct),
            Func::Percentile => return self.percentile(args),
            Func::Random => {
                self.push(if self.dialect.is_mysql() { "RAND()" } else { "random()" });
                return Ok(());
            }
            _ => {}
        }
        let name = self.function_name(func)?;
        self.plain(&name, args, distinct)?;
        self.filter(filter)
    }

    /// Decimals: the database's own arithmetic, or on SQLite, where they are text, the functions and the collation of the driver.
    fn exact(&mut self, exact: Exact, args: &[Expr], distinct: bool, filter: Option<&Expr>) -> Result<()> {
        if self.dialect == Dialect::Sqlite {
            return self.exact_by_function(exact, args, distinct, filter);
        }
        let infix = |op| match args {
            [left, right] => Some(Expr::Binary(op, Box::new(left.clone()), Box::new(right.clone()))),
            _ => None,
        };
        let written = match exact {
            Exact::Value => args.first().cloned(),
            Exact::Negate => args.first().map(|arg| Expr::Unary(UnaryOp::Negate, Box::new(arg.clone()))),
            Exact::Add => infix(BinaryOp::Add),
            Exact::Subtract => infix(BinaryOp::Subtract),
            Exact::Multiply => infix(BinaryOp::Multiply),
            Exact::Divide => infix(BinaryOp::Divide),
            Exact::Sum => return self.call(&Func::Sum, args, distinct, filter),
            Exact::Average => return self.call(&Func::Avg, args, distinct, filter),
            Exact::Absolute => return self.call(&Func::Abs, args, distinct, filter),
            Exact::Round => return self.call(&Func::Round, args, distinct, filter),
        };
        self.nested(&written.ok_or_else(|| Error::bug("decimal arithmetic without its arguments"))?)
    }

    fn exact_by_function(&mut self, exact: Exact, args: &[Expr], distinct: bool, filter: Option<&Expr>) -> Result<()> {
        let name = match exact {
            Exact::Value => {
                for arg in args {
                    self.nested(arg)?;
                }
                self.push(" COLLATE sequor_decimal");
                return Ok(());
            }
            Exact::Average => {
                self.push("CAST(");
                self.plain("sequor_decimal_avg", args, distinct)?;
                self.filter(filter)?;
                self.push(" AS REAL)");
                return Ok(());
            }
            Exact::Sum => "sequor_decimal_sum",
            Exact::Add => "sequor_decimal_add",
            Exact::Subtract => "sequor_decimal_sub",
            Exact::Multiply => "sequor_decimal_mul",
            Exact::Divide => "sequor_decimal_div",
            Exact::Negate => "sequor_decimal_neg",
            Exact::Absolute => "sequor_decimal_abs",
            Exact::Round => "sequor_decimal_round",
        };
        self.plain(name, args, distinct)?;
        self.filter(filter)
    }

    pub(crate) fn plain(&mut self, name: &str, args: &[Expr], distinct: bool) -> Result<()> {
        self.push(name);
        self.push(if distinct { "(DISTINCT " } else { "(" });
        self.list(args, |writer, arg| if matches!(arg, Expr::Value(..)) { writer.cast_value(arg) } else { writer.expr(arg) })?;
        self.push(")");
        Ok(())
    }

    fn filter(&mut self, filter: Option<&Expr>) -> Result<()> {
        let Some(filter) = filter else { return Ok(()) };
        if self.dialect.is_mysql() {
            return Err(Error::unsupported("MySQL and MariaDB have no FILTER for aggregates: aggregate a CASE instead"));
        }
        self.push(" FILTER (WHERE ");
        self.expr(filter)?;
        self.push(")");
        Ok(())
    }

    fn function_name(&self, func: &Func) -> Result<String> {
        let sqlite = self.dialect == Dialect::Sqlite;
        let mysql = self.dialect.is_mysql();
        let name = match func {
            Func::Count => "count",
            Func::Sum => "sum",
            Func::Avg | Func::Mean => "avg",
            Func::Min => "min",
            Func::Max => "max",
            Func::JsonAgg if sqlite => "json_group_array",
            Func::JsonAgg if mysql => "JSON_ARRAYAGG",
            Func::JsonAgg => "jsonb_agg",
            Func::BoolAnd if self.dialect == Dialect::Postgres => "bool_and",
            Func::BoolAnd => "min",
            Func::BoolOr if self.dialect == Dialect::Postgres => "bool_or",
            Func::BoolOr => "max",
            Func::Lower if sqlite => "sequor_lower",
            Func::Lower => "lower",
            Func::Upper if sqlite => "sequor_upper",
            Func::Upper => "upper",
            Func::Length if sqlite => "length",
            Func::Length => "char_length",
            Func::Cardinality if sqlite => "json_array_length",
            Func::Cardinality if mysql => "JSON_LENGTH",
            Func::Cardinality => "cardinality",
            Func::Trim => "trim",
            Func::Coalesce => "coalesce",
            Func::NullIf => "nullif",
            Func::Concat => "concat",
            Func::Substring if sqlite => "substr",
            Func::Substring => "substring",
            Func::Replace => "replace",
            Func::Abs => "abs",
            Func::Round => "round",
            Func::Floor => "floor",
            Func::Ceil => "ceil",
            Func::Greatest if sqlite => "max",
            Func::Greatest => "greatest",
            Func::Least if sqlite => "min",
            Func::Least => "least",
            Func::RowNumber => "row_number",
            Func::Rank => "rank",
            Func::DenseRank => "dense_rank",
            Func::Lag => "lag",
            Func::Lead => "lead",
            Func::FirstValue => "first_value",
            Func::LastValue => "last_value",
            Func::NthValue => "nth_value",
            Func::Ntile => "ntile",
            Func::PercentRank => "percent_rank",
            Func::CumeDist => "cume_dist",
            Func::Named(name) => return checked(name),
            Func::DatePart
            | Func::DateTrunc
            | Func::StringAgg
            | Func::Percentile
            | Func::Random
            | Func::Exact(_)
            | Func::Ranked(_)
            | Func::Unranked(_) => {
                return Err(Error::unsupported("this function is not there on this database"));
            }
        };
        Ok(name.to_owned())
    }

    fn string_agg(&mut self, args: &[Expr], distinct: bool) -> Result<()> {
        let [what, separator] = args else { return Err(Error::usage("string_agg takes an expression and a separator")) };
        self.push(match self.dialect {
            Dialect::Postgres => "string_agg(",
            Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite => "group_concat(",
        });
        if distinct {
            self.push("DISTINCT ");
        }
        self.expr(what)?;
        self.push(if self.dialect.is_mysql() { " SEPARATOR " } else { ", " });
        match separator {
            Expr::Value(Value::Text(text), _) => self.literal(text)?,
            other => self.expr(other)?,
        }
        self.push(")");
        Ok(())
    }

    fn percentile(&mut self, args: &[Expr]) -> Result<()> {
        let [fraction, what] = args else { return Err(Error::usage("percentile takes a fraction and an expression")) };
        if self.dialect != Dialect::Postgres {
            return Err(Error::unsupported(
                "percentiles are PostgreSQL's percentile_cont; elsewhere sort and pick the row by limit and offset",
            ));
        }
        self.push("percentile_cont(");
        self.cast_value(fraction)?;
        self.push(") WITHIN GROUP (ORDER BY ");
        self.expr(what)?;
        self.push(")");
        Ok(())
    }
}

/// A function's name that a program allowed: an identifier and nothing else.
fn checked(name: &str) -> Result<String> {
    let mut letters = name.chars();
    let first = letters.next().is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_');
    if first && name.len() <= 63 && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
        Ok(name.to_owned())
    } else {
        Err(Error::usage(format!("{} is not a function's name", name.escape_debug())))
    }
}
