//! Statistics in Sequor's words: grouped statements with typed answers.

use super::filters::condition;
use crate::models::AiInteraction;
use salacia_log::{ByModel, ByTime, Filters, Report, Summary, Totals, iso_time, rank};
use sequor::prelude::*;

pub async fn summary(db: &Db, filters: &Filters) -> Result<Summary> {
    let (messages, failed, tokens, average, models): (i64, i64, Option<i64>, Option<f64>, i64) = AiInteraction::find_all()
        .filter(condition(db, filters))
        .select((
            count_all(),
            count(AiInteraction::ERROR),
            sum(AiInteraction::TOTAL_TOKENS),
            avg(AiInteraction::RESPONSE_TIME_MS),
            count_distinct(AiInteraction::MODEL),
        ))
        .one()
        .exec(db)
        .await?;
    let most: Option<(String, i64)> = AiInteraction::find_all()
        .filter(condition(db, filters))
        .select((AiInteraction::MODEL, count_all().alias("n")))
        .group_by(AiInteraction::MODEL)
        .order_by((alias("n").desc(), AiInteraction::MODEL.asc()))
        .limit(1)
        .exec(db)
        .await?
        .pop();
    let totals = Totals { messages, failed, tokens: tokens.unwrap_or(0), average, models };
    Ok(Summary::new(totals, most.map(|(model, _)| model)))
}

pub async fn report(db: &Db, filters: &Filters) -> Result<Report> {
    let by_model: Vec<(String, i64, Option<i64>)> = AiInteraction::find_all()
        .filter(condition(db, filters))
        .select((AiInteraction::MODEL, count_all(), sum(AiInteraction::TOTAL_TOKENS)))
        .group_by(AiInteraction::MODEL)
        .exec(db)
        .await?;
    let by_model =
        by_model.into_iter().map(|(model, messages, tokens)| ByModel { model, messages, total_tokens: tokens.unwrap_or(0) }).collect();
    Ok(Report::new(
        summary(db, filters).await?,
        percentiles(db, filters).await?,
        by_model,
        by_time(db, filters, "hour", 48).await?,
        by_time(db, filters, "day", 31).await?,
    ))
}

/// The nearest ranks, each read by its place in the sorted list: the same on every database.
async fn percentiles(db: &Db, filters: &Filters) -> Result<[Option<i32>; 3]> {
    let timed = || AiInteraction::find_all().filter(condition(db, filters)).filter(AiInteraction::RESPONSE_TIME_MS.is_not_null());
    let count = timed().count().exec(db).await?;
    let mut found = [None; 3];
    for (percent, slot) in [50, 95, 99].into_iter().zip(&mut found) {
        let one: Vec<Option<i32>> = timed()
            .order_by(AiInteraction::RESPONSE_TIME_MS.asc())
            .limit(1)
            .offset(rank(percent, count))
            .select(AiInteraction::RESPONSE_TIME_MS)
            .exec(db)
            .await?;
        *slot = one.into_iter().next().flatten();
    }
    Ok(found)
}

async fn by_time(db: &Db, filters: &Filters, unit: &'static str, limit: u64) -> Result<Vec<ByTime>> {
    let start = || date_trunc(unit, AiInteraction::CREATED_AT);
    let rows: Vec<(DateTime<Utc>, i64, Option<i64>)> = AiInteraction::find_all()
        .filter(condition(db, filters))
        .select((start().alias("start"), count_all(), sum(AiInteraction::TOTAL_TOKENS)))
        .group_by(start())
        .order_by(alias("start").desc())
        .limit(limit)
        .exec(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(start, messages, tokens)| ByTime { start: iso_time(start), messages, total_tokens: tokens.unwrap_or(0) })
        .collect())
}
