//! Numbers over rows: counts, sums, and the count beside a page.

use super::verbs::{flag, option};
use super::{Record, RecordLoader, RuntimeModel};
use crate::load;
use crate::query::{Place, QueryState, RowsAndCount};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{Expr, Func, SelectItem};
use sequor_core::types::{ColumnType, value_from_json};
use serde_json::Value as Json;
use std::panic::Location;

/// The options of the count beside a page.
pub(super) fn without_page(options: &Json) -> Json {
    let mut all = options.clone();
    if let Some(map) = all.as_object_mut() {
        map.retain(|key, _| !matches!(key.as_str(), "limit" | "offset" | "order" | "attributes" | "rejectOnEmpty"));
    }
    all
}

impl RuntimeModel {
    /// Rows and how many there are without limit and offset: two statements, which travel together where the server allows it.
    pub(super) async fn find_and_count_now(&self, options: Json) -> Result<RowsAndCount<Record>> {
        let all = without_page(&options);
        let site = Location::caller();
        let reject = flag(&options, "rejectOnEmpty", false);
        let (rows, count) = if option(&all, "col").is_some() {
            let count = self.count_now(all).await?;
            (self.rows(options, site).await?, count)
        } else {
            let mut query = self.query(all)?;
            query.clauses.select = None;
            let count = load::count_step(self.db(), query, site).await?;
            let (rows, count) = self.rows_beside(options, Some(count), site).await?;
            (rows, load::counted(count.ok_or_else(|| Error::bug("a count has no answer"))?)?)
        };
        if reject && rows.is_empty() {
            return Err(Error::not_found(self.model_name()));
        }
        Ok(RowsAndCount { rows, count })
    }

    pub(super) async fn count_now(&self, options: Json) -> Result<u64> {
        let distinct = option(&options, "col").and_then(Json::as_str).map(str::to_owned);
        let only_distinct = flag(&options, "distinct", false);
        let mut query = self.query(options)?;
        if let Some(column) = distinct {
            load::tell_count(self.db(), &mut query, Location::caller()).await?;
            let place = Place::new(&query.model, self.db().registry());
            let expr = crate::query::named(place, &column)?;
            let expr = Expr::Call { func: Func::Count, args: vec![expr], distinct: only_distinct, filter: None };
            let value = self.scalar(query, expr).await?;
            return Ok(match value {
                Value::I64(count) => u64::try_from(count).unwrap_or(0),
                _ => 0,
            });
        }
        query.clauses.select = None;
        load::count(self.db(), query, Location::caller()).await
    }

    async fn scalar(&self, mut query: QueryState, expr: Expr) -> Result<Value> {
        // An aggregate is no find: its hooks are those of count alone.
        query.clauses.without_hooks = true;
        query.clauses.select = Some(vec![SelectItem::named(expr, "value")]);
        query.clauses.order.clear();
        query.clauses.unordered = true;
        query.clauses.includes.iter_mut().for_each(only_joined);
        let loader = RecordLoader::boxed(query.model.clone(), self.db().inner.registry.clone());
        let rows = load::find_records(self.db(), query, loader, Location::caller()).await?;
        Ok(rows.into_iter().next().and_then(|row| row.extras.into_iter().next()).map(|(_, value)| value).unwrap_or_default())
    }

    pub(super) async fn aggregate_now(&self, field: &str, function: &str, options: Json) -> Result<Json> {
        if option(&options, "plain") == Some(&Json::Bool(false)) {
            return self.aggregate_groups(field, function, options).await;
        }
        let distinct = flag(&options, "distinct", false);
        let asked = option(&options, "dataType")
            .and_then(Json::as_str)
            .map(|ty| crate::model::runtime::type_named(&ty.to_uppercase()))
            .transpose()?;
        let query = self.query(options)?;
        let place = Place::new(&query.model, self.db().registry());
        let expr = crate::query::named(place, field)?;
        let ty = query.model.column(field).map(|column| column.ty.clone());
        let func = match function.to_ascii_lowercase().as_str() {
            "sum" => Func::Sum,
            "avg" => Func::Avg,
            "min" => Func::Min,
            "max" => Func::Max,
            "count" => Func::Count,
            other => return Err(Error::usage(format!("unknown aggregate {}", other.escape_debug()))),
        };
        let (keeps, sums) = (matches!(func, Func::Min | Func::Max), matches!(func, Func::Sum));
        let value = self.scalar(query, Expr::Call { func, args: vec![expr], distinct, filter: None }).await?;
        if let (Some(asked), false) = (asked, matches!(value, Value::Null)) {
            return Ok(in_type(&asked, &value));
        }
        // A smallest or largest value is of the column's own type, which not every server says.
        match (keeps, ty, value) {
            (true, Some(ty), Value::Text(text)) => Ok(value_from_json(&ty, Json::String(text))?.to_json()),
            // A sum of whole numbers is one, also where the server has no type for it but a decimal (MySQL; PostgreSQL for bigint).
            (_, Some(ty), Value::Decimal(sum)) if sums && ty.integer_bounds().is_some() => {
                Ok(i64::try_from(sum).map_or_else(|_| Value::Decimal(sum).to_json(), Json::from))
            }
            (_, _, value) => Ok(value.to_json()),
        }
    }
}

/// A number as the type that was asked for has it: whole numbers without their fraction. Sequelize: `dataType`.
fn in_type(ty: &ColumnType, value: &Value) -> Json {
    let number = match value {
        Value::F64(number) => Decimal::from_f64(*number),
        Value::Text(text) => text.parse().ok(),
        Value::Decimal(number) => Some(*number),
        _ => None,
    };
    match number {
        Some(number) if ty.integer_bounds().is_some() => {
            let whole = number.trunc();
            i64::try_from(whole).map_or_else(|_| Value::Decimal(whole).to_json(), Json::from)
        }
        _ => value.to_json(),
    }
}

/// An aggregate reads no rows of its includes: they join, and what they select does not matter.
fn only_joined(include: &mut crate::query::IncludeState) {
    include.joined = true;
    include.clauses.select = None;
    include.clauses.includes.iter_mut().for_each(only_joined);
}
