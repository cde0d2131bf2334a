//! The operators: what each asks of an expression.

use super::{OPERATORS, Subject, group, is_value};
use crate::model::{compare, plain};
use crate::query::json::expression::{expression, reference};
use crate::query::json::{Place, unknown};
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{BinaryOp, Expr, LikeKind, escape_like};
use sequor_core::types::{BindType, ColumnType, ScalarType, value_from_json};
use serde_json::Value as Json;

/// An operator over `{ $any: [..] }` or `{ $all: [..] }`: the same for each of the list, written out so that it is one thing on every database.
fn any_or_all(value: &Json, one: &mut dyn FnMut(Json) -> Result<Expr>) -> Option<Result<Expr>> {
    let map = value.as_object()?;
    let (list, join): (_, fn(Vec<Expr>) -> Expr) = match (map.get("$any"), map.get("$all")) {
        (Some(Json::Array(any)), _) => (any, Expr::Or),
        (_, Some(Json::Array(all))) => (all, Expr::And),
        _ => return None,
    };
    Some(list.iter().cloned().map(one).collect::<Result<Vec<_>>>().map(join))
}

impl Subject {
    /// Where this stands, for messages.
    pub(super) fn place(&self) -> String {
        let Expr::Field(field) = &self.expr else { return "where".to_owned() };
        let path: Vec<&str> = field.path.iter().chain([&field.name]).map(AsRef::as_ref).collect();
        format!("where.{}", path.join("."))
    }

    fn is_null(&self, negated: bool) -> Expr {
        Expr::IsNull { expr: Box::new(self.expr.clone()), negated }
    }

    fn text_value(&self, json: &Json) -> Result<Option<String>> {
        match json {
            Json::String(text) => Ok(Some(text.clone())),
            Json::Number(number) => Ok(Some(number.to_string())),
            Json::Object(_) => Ok(None),
            _ => Err(Error::usage("a pattern is text")),
        }
    }

    fn like(&self, place: Place<'_>, value: Json, kind: LikeKind, negated: bool, around: (&str, &str)) -> Result<Expr> {
        if let Some(list) = any_or_all(&value, &mut |item| self.like(place, item, kind, negated, around)) {
            return list;
        }
        if value.is_null() {
            // Nothing is like NULL.
            return Ok(Expr::Or(Vec::new()));
        }
        let pattern = match self.text_value(&value)? {
            Some(text) if kind == LikeKind::Escaped => format!("{}{}{}", around.0, escape_like(&text), around.1),
            Some(text) => text,
            None => {
                let pattern = Box::new(expression(place, value)?);
                return Ok(Expr::Like { expr: Box::new(self.expr.clone()), pattern, kind, negated });
            }
        };
        let pattern = Box::new(Expr::Value(Value::Text(pattern), BindType::one(ScalarType::Text)));
        Ok(Expr::Like { expr: Box::new(self.expr.clone()), pattern, kind, negated })
    }

    fn regexp(&self, op: BinaryOp, value: &Json) -> Result<Expr> {
        if let Some(list) = any_or_all(value, &mut |item| self.regexp(op, &item)) {
            return list;
        }
        let text = self.text_value(value)?.ok_or_else(|| Error::usage("a regular expression is text"))?;
        Ok(self.expr.clone().binary(op, Expr::Value(Value::Text(text), BindType::one(ScalarType::Text))))
    }

    fn pair(&self, place: Place<'_>, value: Json, negated: bool) -> Result<Expr> {
        let Json::Array(ends) = value else { return Err(Error::usage("between takes a list of two values")) };
        let Ok([low, high]) = <[Json; 2]>::try_from(ends) else { return Err(Error::usage("between takes exactly two values")) };
        let (low, high) = (Box::new(self.value(place, low)?), Box::new(self.value(place, high)?));
        Ok(Expr::Between { expr: Box::new(self.expr.clone()), low, high, negated })
    }

    fn compared(&self, place: Place<'_>, op: BinaryOp, value: Json) -> Result<Expr> {
        if let Some(list) = any_or_all(&value, &mut |item| Ok(compare(op, self.expr.clone(), self.value(place, item)?))) {
            return list;
        }
        Ok(compare(op, self.expr.clone(), self.value(place, value)?))
    }

    fn binary(&self, place: Place<'_>, op: BinaryOp, value: Json) -> Result<Expr> {
        let right = match (&self.ty, value) {
            (Some(ColumnType::Range(element)), Json::Array(ends)) => {
                let ty = ColumnType::Range(element.clone());
                Expr::Value(value_from_json(&ty, plain(Json::Array(ends)))?, ty.bind())
            }
            (Some(ColumnType::Range(element)), scalar) => {
                let value = value_from_json(element, plain(scalar))?;
                Expr::Value(value, element.bind())
            }
            (_, value) => self.value(place, value)?,
        };
        Ok(self.expr.clone().binary(op, right))
    }

    pub(super) fn operator(&self, place: Place<'_>, operator: &str, value: Json) -> Result<Expr> {
        use BinaryOp as B;
        match operator {
            "$eq" => match value {
                Json::Null => Ok(self.is_null(false)),
                value => self.compared(place, B::Equal, value),
            },
            "$ne" => match value {
                Json::Null => Ok(self.is_null(true)),
                value => self.compared(place, B::NotEqual, value),
            },
            "$gt" => self.compared(place, B::Greater, value),
            "$gte" => self.compared(place, B::GreaterEqual, value),
            "$lt" => self.compared(place, B::Less, value),
            "$lte" => self.compared(place, B::LessEqual, value),
            "$between" => self.pair(place, value, false),
            "$notBetween" => self.pair(place, value, true),
            "$in" | "$notIn" => match value {
                Json::Array(list) => self.list(place, list, operator == "$notIn"),
                _ => Err(Error::usage(format!("where.{operator}: a list is expected"))),
            },
            "$is" | "$isNot" => match value {
                Json::Null => Ok(self.is_null(operator == "$isNot")),
                Json::Bool(_) => {
                    Ok(self.expr.clone().binary(if operator == "$is" { B::Same } else { B::NotSame }, self.value(place, value)?))
                }
                _ => Err(Error::usage(format!("where.{operator}: null, true or false is expected"))),
            },
            "$not" => match value {
                Json::Null => Ok(self.is_null(true)),
                Json::Bool(_) => Ok(self.expr.clone().binary(B::NotSame, self.value(place, value)?)),
                Json::Array(list) if !matches!(self.ty, Some(ColumnType::Array(_))) => self.list(place, list, true),
                Json::Object(map) if !is_value(&map) => Ok(self.condition(place, Json::Object(map))?.negate()),
                value => self.compared(place, B::NotEqual, value),
            },
            "$and" | "$or" => group(place, operator, value, &mut |place, value| self.condition(place, value)),
            "$like" => self.like(place, value, LikeKind::Like, false, ("", "")),
            "$notLike" => self.like(place, value, LikeKind::Like, true, ("", "")),
            "$iLike" => self.like(place, value, LikeKind::ILike, false, ("", "")),
            "$notILike" => self.like(place, value, LikeKind::ILike, true, ("", "")),
            "$startsWith" => self.like(place, value, LikeKind::Escaped, false, ("", "%")),
            "$endsWith" => self.like(place, value, LikeKind::Escaped, false, ("%", "")),
            "$substring" => self.like(place, value, LikeKind::Escaped, false, ("%", "%")),
            "$regexp" | "$notRegexp" | "$iRegexp" | "$notIRegexp" => {
                let op = match operator {
                    "$regexp" => B::Regexp,
                    "$notRegexp" => B::NotRegexp,
                    "$iRegexp" => B::IRegexp,
                    _ => B::NotIRegexp,
                };
                self.regexp(op, &value)
            }
            "$any" | "$all" => match value {
                list @ Json::Array(_) => self.compared(place, B::Equal, serde_json::json!({ operator: list })),
                _ => Err(Error::usage(format!("where.{operator}: a list is expected"))),
            },
            "$contains" => self.binary(place, B::Contains, value),
            "$contained" => self.binary(place, B::Contained, value),
            "$overlap" => self.binary(place, B::Overlap, value),
            "$adjacent" => self.binary(place, B::Adjacent, value),
            "$strictLeft" => self.binary(place, B::StrictLeft, value),
            "$strictRight" => self.binary(place, B::StrictRight, value),
            "$noExtendLeft" => self.binary(place, B::NoExtendLeft, value),
            "$noExtendRight" => self.binary(place, B::NoExtendRight, value),
            "$match" => self.binary(place, B::Match, value),
            "$col" => match value {
                Json::String(column) => Ok(compare(B::Equal, self.expr.clone(), reference(place, &column)?)),
                _ => Err(Error::usage("where.$col: the name of a column is expected")),
            },
            other => Err(unknown(&self.place(), other, OPERATORS)),
        }
    }
}
