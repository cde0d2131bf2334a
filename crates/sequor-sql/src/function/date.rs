//! Parts of dates, and dates cut.

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::statement::Expr;

impl SqlWriter {
    pub(super) fn date_part(&mut self, args: &[Expr]) -> Result<()> {
        let [part, what] = args else { return Err(Error::usage("date_part takes a part and a date")) };
        let part = constant(part)?;
        let (before, after) = match (self.dialect, part) {
            (Dialect::Postgres, "year" | "month" | "day" | "hour" | "minute" | "second" | "dow" | "doy" | "week" | "quarter" | "epoch") => {
                self.push("date_part('");
                self.push(part);
                self.push("', ");
                self.expr(what)?;
                // Instants are shown in UTC on every database.
                self.push(")::float8");
                return Ok(());
            }
            (Dialect::Sqlite, "year") => ("CAST(strftime('%Y', ", ") AS REAL)"),
            (Dialect::Sqlite, "month") => ("CAST(strftime('%m', ", ") AS REAL)"),
            (Dialect::Sqlite, "day") => ("CAST(strftime('%d', ", ") AS REAL)"),
            (Dialect::Sqlite, "hour") => ("CAST(strftime('%H', ", ") AS REAL)"),
            (Dialect::Sqlite, "minute") => ("CAST(strftime('%M', ", ") AS REAL)"),
            (Dialect::Sqlite, "second") => ("CAST(substr(", ", 18, 9) AS REAL)"),
            (Dialect::Sqlite, "dow") => ("CAST(strftime('%w', ", ") AS REAL)"),
            (Dialect::Sqlite, "doy") => ("CAST(strftime('%j', ", ") AS REAL)"),
            (Dialect::Sqlite, "week") => ("CAST(strftime('%V', ", ") AS REAL)"),
            (Dialect::Sqlite, "quarter") => ("((CAST(strftime('%m', ", ") AS INTEGER) + 2) / 3)"),
            (Dialect::Sqlite, "epoch") => {
                self.push("(CAST(strftime('%s', substr(");
                self.expr(what)?;
                self.push(", 1, 19)) AS REAL) + CAST(substr(");
                ("", ", 20, 7) AS REAL))")
            }
            (Dialect::Mysql | Dialect::Mariadb, "year") => ("YEAR(", ")"),
            (Dialect::Mysql | Dialect::Mariadb, "month") => ("MONTH(", ")"),
            (Dialect::Mysql | Dialect::Mariadb, "day") => ("DAYOFMONTH(", ")"),
            (Dialect::Mysql | Dialect::Mariadb, "hour") => ("HOUR(", ")"),
            (Dialect::Mysql | Dialect::Mariadb, "minute") => ("MINUTE(", ")"),
            (Dialect::Mysql | Dialect::Mariadb, "second") => ("(EXTRACT(SECOND_MICROSECOND FROM ", ") / 1e6)"),
            (Dialect::Mysql | Dialect::Mariadb, "dow") => ("(DAYOFWEEK(", ") - 1)"),
            (Dialect::Mysql | Dialect::Mariadb, "doy") => ("DAYOFYEAR(", ")"),
            (Dialect::Mysql | Dialect::Mariadb, "week") => ("WEEK(", ", 3)"),
            (Dialect::Mysql | Dialect::Mariadb, "quarter") => ("QUARTER(", ")"),
            (Dialect::Mysql | Dialect::Mariadb, "epoch") => ("(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ", ") / 1e6)"),
            _ => return Err(Error::usage("date_part takes year, month, day, hour, minute, second, dow, doy, week, quarter or epoch")),
        };
        self.push(before);
        self.expr(what)?;
        self.push(after);
        Ok(())
    }

    pub(super) fn date_trunc(&mut self, args: &[Expr]) -> Result<()> {
        let [unit, what] = args else { return Err(Error::usage("date_trunc takes a unit and a date")) };
        let unit = constant(unit)?;
        if !matches!(unit, "year" | "quarter" | "month" | "week" | "day" | "hour" | "minute" | "second") {
            return Err(Error::usage("date_trunc takes year, quarter, month, week, day, hour, minute or second"));
        }
        if let Some(parts) = trunc_by_hand(self.dialect, unit) {
            let (last, before) = parts.split_last().unwrap_or((&"", &[]));
            for part in before {
                self.push(part);
                self.expr(what)?;
            }
            self.push(last);
            return Ok(());
        }
        if self.dialect == Dialect::Postgres {
            self.push("date_trunc('");
            self.push(unit);
            self.push("', ");
            self.expr(what)?;
            self.push(")");
            return Ok(());
        }
        let sqlite = self.dialect == Dialect::Sqlite;
        let format = match (unit, sqlite) {
            ("year", true) => "%Y-01-01 00:00:00.000000+00:00",
            ("month", true) => "%Y-%m-01 00:00:00.000000+00:00",
            ("day", true) => "%Y-%m-%d 00:00:00.000000+00:00",
            ("hour", true) => "%Y-%m-%d %H:00:00.000000+00:00",
            ("minute", true) => "%Y-%m-%d %H:%M:00.000000+00:00",
            ("second", true) => "%Y-%m-%d %H:%M:%S.000000+00:00",
            ("year", false) => "%Y-01-01 00:00:00",
            ("month", false) => "%Y-%m-01 00:00:00",
            ("day", false) => "%Y-%m-%d 00:00:00",
            ("hour", false) => "%Y-%m-%d %H:00:00",
            ("minute", false) => "%Y-%m-%d %H:%i:00",
            ("second", false) => "%Y-%m-%d %H:%i:%s",
            _ => return Err(Error::usage("date_trunc takes year, quarter, month, week, day, hour, minute or second")),
        };
        if sqlite {
            self.push("strftime('");
            self.push(format);
            self.push("', ");
            self.expr(what)?;
            self.push(")");
        } else {
            self.push("CAST(DATE_FORMAT(");
            self.expr(what)?;
            self.push(", '");
            self.push(format);
            self.push("') AS DATETIME(6))");
        }
        Ok(())
    }
}

/// The text around the date where no format says the unit: weeks begin on Monday.
fn trunc_by_hand(dialect: Dialect, unit: &str) -> Option<&'static [&'static str]> {
    match (dialect, unit) {
        (Dialect::Sqlite, "week") => Some(&["strftime('%Y-%m-%d 00:00:00.000000+00:00', ", ", 'weekday 0', '-6 days')"]),
        (Dialect::Sqlite, "quarter") => Some(&[
            "strftime('%Y-%m-01 00:00:00.000000+00:00', ",
            ", 'start of month', '-' || ((CAST(strftime('%m', ",
            ") AS INTEGER) - 1) % 3) || ' months')",
        ]),
        (Dialect::Mysql | Dialect::Mariadb, "week") => Some(&["CAST(DATE_SUB(DATE(", "), INTERVAL WEEKDAY(", ") DAY) AS DATETIME(6))"]),
        (Dialect::Mysql | Dialect::Mariadb, "quarter") => {
            Some(&["CAST(DATE_ADD(MAKEDATE(YEAR(", "), 1), INTERVAL QUARTER(", ") - 1 QUARTER) AS DATETIME(6))"])
        }
        _ => None,
    }
}

fn constant(expr: &Expr) -> Result<&str> {
    match expr {
        Expr::Value(Value::Text(text), _) => Ok(text),
        _ => Err(Error::usage("the part of a date is a constant text")),
    }
}
