//! Statistics by hand.

use crate::rows::{self, Row};
use crate::sql::{Flavor, Param};
use crate::{ClassicLog, single};
use salacia_log::{ByModel, ByTime, Filters, LogError, Report, Result, Summary, Totals, iso_time, rank};

impl ClassicLog {
    pub(crate) async fn summary(&self, filters: &Filters) -> Result<Summary> {
        let mut sql = self.sql();
        let average = match self.database.flavor() {
            Flavor::Postgres => "CAST(avg(i.response_time_ms) AS float8)",
            Flavor::Sqlite => "avg(i.response_time_ms)",
        };
        sql.push("SELECT count(*), count(i.error), coalesce(sum(i.total_tokens), 0), ").push(average).push(", count(DISTINCT i.model)");
        sql.from().filter(filters);
        let row = self.database.rows(sql).await?.into_iter().next().unwrap_or_default();
        let totals = totals(row)?;
        let mut sql = self.sql();
        sql.push("SELECT i.model").from().filter(filters).push(" GROUP BY i.model ORDER BY count(*) DESC, i.model LIMIT 1");
        let most = single(self.database.rows(sql).await?).map(rows::text).transpose()?.flatten();
        Ok(Summary::new(totals, most))
    }

    pub(crate) async fn whole_report(&self, filters: &Filters) -> Result<Report> {
        let summary = self.summary(filters).await?;
        let times = self.percentiles(filters).await?;
        let mut sql = self.sql();
        sql.push("SELECT i.model, count(*), coalesce(sum(i.total_tokens), 0)").from().filter(filters).push(" GROUP BY i.model");
        let by_model = self.database.rows(sql).await?.into_iter().map(by_model).collect::<Result<_>>()?;
        let per_hour = self.by_time(filters, "hour", 13, 48).await?;
        let per_day = self.by_time(filters, "day", 10, 31).await?;
        Ok(Report::new(summary, times, by_model, per_hour, per_day))
    }

    async fn percentiles(&self, filters: &Filters) -> Result<[Option<i32>; 3]> {
        let mut sql = self.sql();
        sql.push("SELECT count(i.response_time_ms)").from().filter(filters);
        let count = single(self.database.rows(sql).await?).map(rows::int).transpose()?.flatten().unwrap_or(0);
        let count = u64::try_from(count).unwrap_or(0);
        let mut found = [None; 3];
        for (percent, slot) in [50, 95, 99].into_iter().zip(&mut found) {
            let mut sql = self.sql();
            sql.push("SELECT i.response_time_ms").from().filter(filters).push(" AND i.response_time_ms IS NOT NULL");
            let at = i64::try_from(rank(percent, count)).unwrap_or(i64::MAX);
            sql.push(" ORDER BY i.response_time_ms LIMIT 1 OFFSET ").bind(Param::Big(at));
            *slot = single(self.database.rows(sql).await?).map(rows::small).transpose()?.flatten();
        }
        Ok(found)
    }

    async fn by_time(&self, filters: &Filters, unit: &str, letters: usize, limit: i64) -> Result<Vec<ByTime>> {
        let start = match self.database.flavor() {
            Flavor::Postgres => format!("date_trunc('{unit}', i.created_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"),
            Flavor::Sqlite => {
                let rest = &" 00:00:00.000000+00:00"[letters - 10..];
                format!("substr(i.created_at, 1, {letters}) || '{rest}'")
            }
        };
        let mut sql = self.sql();
        sql.push("SELECT ").push(&start).push(", count(*), coalesce(sum(i.total_tokens), 0)").from().filter(filters);
        sql.push(" GROUP BY 1 ORDER BY 1 DESC LIMIT ").bind(Param::Big(limit));
        self.database.rows(sql).await?.into_iter().map(by_time).collect()
    }
}

fn missing() -> LogError {
    LogError::Failed("a statistic has no value".into())
}

fn totals(row: Row) -> Result<Totals> {
    let mut cells = row.into_iter();
    let mut next = || cells.next().ok_or_else(missing);
    Ok(Totals {
        messages: rows::int(next()?)?.unwrap_or(0),
        failed: rows::int(next()?)?.unwrap_or(0),
        tokens: rows::int(next()?)?.unwrap_or(0),
        average: rows::real(next()?)?,
        models: rows::int(next()?)?.unwrap_or(0),
    })
}

fn by_model(row: Row) -> Result<ByModel> {
    let mut cells = row.into_iter();
    let mut next = || cells.next().ok_or_else(missing);
    Ok(ByModel {
        model: rows::text(next()?)?.unwrap_or_default(),
        messages: rows::int(next()?)?.unwrap_or(0),
        total_tokens: rows::int(next()?)?.unwrap_or(0),
    })
}

fn by_time(row: Row) -> Result<ByTime> {
    let mut cells = row.into_iter();
    let mut next = || cells.next().ok_or_else(missing);
    Ok(ByTime {
        start: iso_time(rows::time(next()?)?),
        messages: rows::int(next()?)?.unwrap_or(0),
        total_tokens: rows::int(next()?)?.unwrap_or(0),
    })
}
