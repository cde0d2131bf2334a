//! Operators that the dialects spell differently.

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{BinaryOp, Expr};

impl SqlWriter {
    pub(super) fn same(&mut self, negated: bool, left: &Expr, right: &Expr) -> Result<()> {
        if self.dialect.is_mysql() && negated {
            self.push("NOT (");
            self.same(false, left, right)?;
            self.push(")");
            return Ok(());
        }
        self.nested(left)?;
        self.push(match (self.dialect, negated) {
            (Dialect::Postgres, false) => " IS NOT DISTINCT FROM ",
            (Dialect::Postgres, true) => " IS DISTINCT FROM ",
            (Dialect::Sqlite, false) => " IS ",
            (Dialect::Sqlite, true) => " IS NOT ",
            (Dialect::Mysql | Dialect::Mariadb, _) => " <=> ",
        });
        self.nested(right)
    }

    pub(super) fn concat(&mut self, left: &Expr, right: &Expr) -> Result<()> {
        if self.dialect.is_mysql() {
            self.push("CONCAT(");
            self.expr(left)?;
            self.push(", ");
            self.expr(right)?;
            self.push(")");
            return Ok(());
        }
        self.nested(left)?;
        self.push(" || ");
        self.cast_value(right)
    }

    pub(super) fn regexp(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Result<()> {
        let negated = matches!(op, BinaryOp::NotRegexp | BinaryOp::NotIRegexp);
        let insensitive = matches!(op, BinaryOp::IRegexp | BinaryOp::NotIRegexp);
        match self.dialect {
            Dialect::Postgres => {
                self.nested(left)?;
                self.push(match (negated, insensitive) {
                    (false, false) => " ~ ",
                    (true, false) => " !~ ",
                    (false, true) => " ~* ",
                    (true, true) => " !~* ",
                });
                self.nested(right)
            }
            Dialect::Sqlite => {
                self.push(if negated { "NOT " } else { "" });
                self.push(if insensitive { "sequor_iregexp(" } else { "regexp(" });
                self.expr(right)?;
                self.push(", ");
                self.expr(left)?;
                self.push(")");
                Ok(())
            }
            Dialect::Mysql | Dialect::Mariadb => {
                self.nested(left)?;
                self.push(if negated { " NOT REGEXP " } else { " REGEXP " });
                if insensitive {
                    self.push("CONCAT('(?i)', ");
                    self.expr(right)?;
                    self.push(")");
                    return Ok(());
                }
                self.nested(right)
            }
        }
    }

    pub(super) fn contains(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Result<()> {
        if self.dialect == Dialect::Postgres {
            self.nested(left)?;
            self.push(match op {
                BinaryOp::Contains => " @> ",
                BinaryOp::Contained => " <@ ",
                _ => " && ",
            });
            return self.cast_value(right);
        }
        if matches!(right, Expr::Value(Value::Range(_), _)) {
            return Err(no_ranges());
        }
        if let (true, BinaryOp::Contains, Expr::Value(Value::Json(part), _)) = (self.dialect.is_mysql(), op, right) {
            return self.mysql_contains(left, part);
        }
        let (outer, inner) = if op == BinaryOp::Contained { (right, left) } else { (left, right) };
        self.push(match (self.dialect, op) {
            (Dialect::Sqlite, BinaryOp::Overlap) => "sequor_json_overlaps(",
            (Dialect::Sqlite, _) => "sequor_json_contains(",
            (_, BinaryOp::Overlap) => "JSON_OVERLAPS(",
            (_, _) => "JSON_CONTAINS(",
        });
        self.expr(outer)?;
        self.push(", ");
        self.expr(inner)?;
        self.push(")");
        Ok(())
    }

    pub(super) fn range_op(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Result<()> {
        if self.dialect != Dialect::Postgres {
            return Err(no_ranges());
        }
        self.nested(left)?;
        self.push(match op {
            BinaryOp::Adjacent => " -|- ",
            BinaryOp::StrictLeft => " << ",
            BinaryOp::StrictRight => " >> ",
            BinaryOp::NoExtendRight => " &< ",
            _ => " &> ",
        });
        self.nested(right)
    }
}

#[cold]
fn no_ranges() -> Error {
    Error::unsupported("ranges are PostgreSQL's; elsewhere keep the two ends in two columns")
}
