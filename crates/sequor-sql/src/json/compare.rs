//! Whole JSON values compared, and one within another, as PostgreSQL's `jsonb` does: keys have no order, 1 is 1.0.

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::error::Result;
use sequor_core::statement::{Alias, BinaryOp, Expr, JsonSegment};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::{Name, Value};
use serde_json::Value as Json;

const JSON: BindType = BindType::one(ScalarType::Jsonb);

/// Whether a value is a JSON document.
fn is_document(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(Value::Json(_), _))
}

/// A place inside a document.
#[derive(Clone)]
struct Place<'a> {
    document: &'a Expr,
    path: Vec<JsonSegment>,
}

impl Place<'_> {
    fn at(&self, key: &str) -> Self {
        let mut inner = self.clone();
        inner.path.push(JsonSegment::Key(Name::Owned(key.to_owned())));
        inner
    }
}

impl SqlWriter {
    /// Writes an equality whose right side is a document, where the database keeps documents as text and would compare their spelling.
    pub(crate) fn compares_documents(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Result<bool> {
        if self.dialect == Dialect::Postgres || !is_document(right) {
            return Ok(false);
        }
        match op {
            BinaryOp::Equal => self.same_documents(left, right)?,
            BinaryOp::NotEqual => {
                self.push("NOT ");
                self.same_documents(left, right)?;
            }
            BinaryOp::Same | BinaryOp::NotSame => {
                self.push(if op == BinaryOp::Same { "COALESCE(" } else { "NOT COALESCE(" });
                self.same_documents(left, right)?;
                self.push(", 0)");
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// One of some documents or arrays, where they have to be compared one by one.
    pub(crate) fn in_documents(&mut self, (expr, rows, binds): (&Expr, &[Vec<Value>], &[BindType]), negated: bool) -> Result<bool> {
        let documents = rows.iter().all(|row| matches!(row.first(), Some(Value::Json(_)))) && self.dialect != Dialect::Postgres;
        // An array of arrays is one array of their elements (PostgreSQL); an array is a document (MySQL).
        let arrays = rows.iter().all(|row| matches!(row.first(), Some(Value::Array(_))))
            && matches!(self.dialect, Dialect::Postgres | Dialect::Mysql);
        if !documents && !arrays {
            return Ok(false);
        }
        self.push(if negated { "NOT (" } else { "(" });
        for (number, row) in rows.iter().enumerate() {
            self.push(if number > 0 { " OR " } else { "" });
            self.same_documents(expr, &Expr::Value(row.first().cloned().unwrap_or_default(), binds.first().copied().unwrap_or(JSON)))?;
        }
        self.push(")");
        Ok(true)
    }

    fn same_documents(&mut self, left: &Expr, right: &Expr) -> Result<()> {
        // JSON_EQUALS of MariaDB holds for NULL where it is a condition (10.11).
        let (before, between, behind) = match self.dialect {
            Dialect::Sqlite => ("sequor_json_equals(", ", ", ")"),
            Dialect::Mariadb => ("(JSON_NORMALIZE(", ") = JSON_NORMALIZE(", "))"),
            Dialect::Mysql | Dialect::Postgres => ("(", " = ", ")"),
        };
        self.push(before);
        self.expr(left)?;
        self.push(between);
        self.expr(right)?;
        self.push(behind);
        Ok(())
    }

    /// A part lies within a document (MySQL, MariaDB): JSON_CONTAINS of theirs also looks into lists inside of lists, and takes a value for a list of it.
    pub(crate) fn mysql_contains(&mut self, document: &Expr, part: &Json) -> Result<()> {
        self.push("(CASE WHEN ");
        self.nested(document)?;
        self.push(" IS NOT NULL THEN COALESCE(");
        let top = Place { document, path: Vec::new() };
        if !part.is_array() && !part.is_object() {
            // At the top a list also holds a scalar that is among its members.
            self.mysql_has(&top, part)?;
            self.push(" OR ");
        }
        self.mysql_holds(&top, part, 1)?;
        self.push(", 0) END)");
        Ok(())
    }

    /// A list and one of its members, which is no list or object.
    fn mysql_has(&mut self, place: &Place<'_>, scalar: &Json) -> Result<()> {
        self.push("(");
        self.mysql_kind(place, "ARRAY")?;
        self.push(" AND JSON_OVERLAPS(");
        self.mysql_path(place.document, &place.path)?;
        self.push(", ");
        self.bind(Value::from(Json::Array(vec![scalar.clone()])), JSON);
        self.push("))");
        Ok(())
    }

    fn mysql_kind(&mut self, place: &Place<'_>, kind: &str) -> Result<()> {
        self.push("JSON_TYPE(");
        self.mysql_path(place.document, &place.path)?;
        self.push(") = '");
        self.push(kind);
        self.push("'");
        Ok(())
    }

    fn mysql_holds(&mut self, place: &Place<'_>, part: &Json, depth: usize) -> Result<()> {
        match part {
            Json::Object(part) => {
                self.mysql_kind(place, "OBJECT")?;
                part.iter().try_for_each(|(key, part)| {
                    self.push(" AND ");
                    self.mysql_holds(&place.at(key), part, depth)
                })
            }
            Json::Array(part) => {
                self.mysql_kind(place, "ARRAY")?;
                part.iter().try_for_each(|member| {
                    self.push(" AND ");
                    if member.is_array() || member.is_object() {
                        self.mysql_member(place, member, depth)
                    } else {
                        self.mysql_has(place, member)
                    }
                })
            }
            scalar => {
                let left = Expr::Json {
                    expr: Box::new(place.document.clone()),
                    path: place.path.clone(),
                    take: sequor_core::statement::JsonAs::Json,
                };
                self.same_documents(&left, &Expr::Value(Value::from(scalar.clone()), JSON))
            }
        }
    }

    /// A member of a list holds a list or an object.
    fn mysql_member(&mut self, place: &Place<'_>, part: &Json, depth: usize) -> Result<()> {
        let name = Name::Owned(format!("j{depth}"));
        self.push("EXISTS (SELECT 1 FROM JSON_TABLE(");
        self.mysql_path(place.document, &place.path)?;
        self.push(", '$[*]' COLUMNS (v JSON PATH '$')) AS ");
        self.name(&name)?;
        self.push(" WHERE ");
        let member = Expr::column(Alias::Named(name), "v");
        self.mysql_holds(&Place { document: &member, path: Vec::new() }, part, depth + 1)?;
        self.push(")");
        Ok(())
    }
}
