//! One of a list of values, of any length.

use super::cast_name;
use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{BinaryOp, Expr, Quantifier};
use sequor_core::types::{BindType, ScalarType};

/// Lists above this length are worth a table of hashes where every row is compared with them (PostgreSQL).
pub const LONG_LIST: usize = 100;
/// Lists up to this length are parameters one by one on MySQL and MariaDB, which then know how many there are; of a table that JSON makes they guess forty rows.
pub const MOST_MARKS: usize = 4_096;
/// How many parameters the lists of a statement take there: 65,535 there are, and it may bind other values too.
const MOST_PARAMS: usize = 60_000;
/// The longest text that they put into an index of a table in memory.
const INDEXED: usize = 512;

impl SqlWriter {
    pub(super) fn in_values(
        &mut self,
        (exprs, rows, binds): (&[Expr], &[Vec<Value>], &[BindType]),
        negated: bool,
        scanned: bool,
    ) -> Result<()> {
        if rows.is_empty() {
            self.truth(negated);
            return Ok(());
        }
        if let [expr] = exprs
            && self.in_documents((expr, rows, binds), negated)?
        {
            return Ok(());
        }
        match (self.dialect, exprs) {
            (_, [expr]) if self.inline => self.in_literals(expr, rows, binds, negated),
            (Dialect::Postgres, [expr]) => {
                let bind = binds.first().copied().unwrap_or_default();
                self.nested(expr)?;
                // In a plan that knows no values, PostgreSQL compares row by row with each member of an array; the rows of unnest it hashes.
                if let Some(name) = cast_name(bind).filter(|_| scanned && rows.len() > LONG_LIST) {
                    self.push(if negated { " NOT IN (SELECT unnest(" } else { " IN (SELECT unnest(" });
                    self.bind(column_of(rows, 0), BindType::list(bind.scalar));
                    self.push("::");
                    self.push(name);
                    self.push("[]))");
                    return Ok(());
                }
                self.push(if negated { " <> ALL (" } else { " = ANY (" });
                self.bind(column_of(rows, 0), BindType::list(bind.scalar));
                self.push(")");
                Ok(())
            }
            (Dialect::Sqlite, [expr]) if rows.iter().all(|row| matches!(row.first(), Some(Value::I64(_) | Value::Text(_)))) => {
                self.nested(expr)?;
                self.push(if negated { " NOT IN (SELECT value FROM json_each(" } else { " IN (SELECT value FROM json_each(" });
                let list: Vec<serde_json::Value> = rows.iter().filter_map(|row| row.first().map(Value::to_json)).collect();
                self.bind(Value::Text(serde_json::Value::Array(list).to_string()), BindType::one(ScalarType::Text));
                self.push("))");
                Ok(())
            }
            // The driver spells the members of a list as it spells values alone.
            (Dialect::Sqlite, [expr]) if rows.len() > 1_000 && !rows.iter().any(|row| matches!(row.first(), Some(Value::Bytes(_)))) => {
                let bind = binds.first().copied().unwrap_or_default();
                self.nested(expr)?;
                self.push(if negated { " NOT IN (SELECT value FROM json_each(" } else { " IN (SELECT value FROM json_each(" });
                self.bind(column_of(rows, 0), BindType::list(bind.scalar));
                self.push("))");
                Ok(())
            }
            (Dialect::Mysql | Dialect::Mariadb, [expr]) if negated && self.target.is_some() && self.wants_table(rows.len(), binds) => {
                self.not_in_table(expr, rows, binds)
            }
            _ => self.in_list(exprs, rows, binds, negated),
        }
    }

    /// Whether a list is a table on MySQL and MariaDB. Where there is room for parameters, only whole numbers of a read are: a table has a collation of its own, which
    /// they refuse to compare with that of a column, and in an update or delete they read it anew for each row.
    fn wants_table(&self, rows: usize, binds: &[BindType]) -> bool {
        let count = rows * binds.len().max(1);
        if count <= LONG_LIST {
            return false;
        }
        if padded(rows) * binds.len().max(1) > MOST_PARAMS.saturating_sub(self.param_count()) {
            return true;
        }
        let whole = |bind: &BindType| matches!(bind.scalar, ScalarType::I16 | ScalarType::I32 | ScalarType::I64 | ScalarType::U64);
        count > MOST_MARKS && self.target.is_none() && binds.iter().all(whole)
    }

    /// None of a table's values, for an update or delete: MySQL and MariaDB look for it by an index there, and read the whole table of `NOT IN` for each row.
    fn not_in_table(&mut self, expr: &Expr, rows: &[Vec<Value>], binds: &[BindType]) -> Result<()> {
        self.push("CASE WHEN ");
        self.nested(expr)?;
        self.push(" IS NOT NULL THEN NOT EXISTS (SELECT 1 FROM (");
        self.json_table(rows, binds, "sequor_v")?;
        self.push(&format!(" LIMIT {}) AS jd WHERE jd.sequor_v = ", u64::MAX));
        self.nested(expr)?;
        self.push(") END");
        Ok(())
    }

    /// The members one by one, for a condition in the schema: it takes no parameters, and no query.
    fn in_literals(&mut self, expr: &Expr, rows: &[Vec<Value>], binds: &[BindType], negated: bool) -> Result<()> {
        let bind = binds.first().copied().unwrap_or_default();
        self.nested(expr)?;
        self.push(if negated { " NOT IN (" } else { " IN (" });
        self.list(rows.iter().flatten(), |writer, value| {
            writer.bind(value.clone(), bind);
            Ok(())
        })?;
        self.push(")");
        Ok(())
    }

    /// A value against the elements of a list that is JSON: false where one of them speaks against it.
    pub(super) fn quantified_in_json(&mut self, op: BinaryOp, left: &Expr, quantifier: Quantifier, right: &Expr) -> Result<()> {
        let unsupported = || Error::unsupported("ANY and ALL over lists are PostgreSQL's; elsewhere use is_in, or the list operators");
        let sign = match op {
            BinaryOp::Less => " < ",
            BinaryOp::LessEqual => " <= ",
            BinaryOp::Greater => " > ",
            BinaryOp::GreaterEqual => " >= ",
            _ => return Err(unsupported()),
        };
        let (Quantifier::All, Expr::Value(_, bind), false) = (quantifier, left, matches!(right, Expr::Value(..))) else {
            return Err(unsupported());
        };
        use ScalarType::{F32, F64, I16, I32, I64, Text, U64};
        if !matches!(bind.scalar, I16 | I32 | I64 | U64 | F32 | F64 | Text) {
            return Err(Error::unsupported("elements of lists that are JSON have an order where they are numbers or texts"));
        }
        self.push("(CASE WHEN ");
        self.nested(right)?;
        self.push(" IS NOT NULL THEN NOT EXISTS (SELECT 1 FROM ");
        self.push(if self.dialect == Dialect::Sqlite { "json_each(" } else { "JSON_TABLE(" });
        self.expr(right)?;
        if self.dialect == Dialect::Sqlite {
            self.push(") AS e WHERE NOT (");
        } else {
            self.push(&format!(", '$[*]' COLUMNS (value {} PATH '$')) AS e WHERE NOT (", table_type(*bind)));
        }
        self.nested(left)?;
        self.push(sign);
        self.push("e.value)) END)");
        Ok(())
    }

    /// A list of placeholders, padded to a power of two so that few texts serve all lengths.
    fn in_list(&mut self, exprs: &[Expr], rows: &[Vec<Value>], binds: &[BindType], negated: bool) -> Result<()> {
        let tuple = exprs.len() != 1;
        if tuple {
            self.push("(");
        }
        self.list(exprs, |writer, expr| writer.expr(expr))?;
        if tuple {
            self.push(")");
        }
        self.push(if negated { " NOT IN (" } else { " IN (" });
        if self.as_table(rows, binds)? {
            self.push(")");
            return Ok(());
        }
        if tuple && self.dialect == Dialect::Sqlite {
            self.push("VALUES ");
        }
        let padded = padded(rows.len());
        let last = rows.len() - 1;
        self.list(0..padded, |writer, number| {
            if tuple {
                writer.push("(");
            }
            let row = &rows[number.min(last)];
            writer.list(row.iter().zip(binds), |writer, (value, bind)| {
                writer.bind(value.clone(), *bind);
                Ok(())
            })?;
            if tuple {
                writer.push(")");
            }
            Ok(())
        })?;
        self.push(")");
        Ok(())
    }

    /// The members as the rows of a table, whose text is the same for any number of them; false where placeholders have to name each.
    fn as_table(&mut self, rows: &[Vec<Value>], binds: &[BindType]) -> Result<bool> {
        let plain = rows.iter().flatten().all(|value| matches!(value, Value::I64(_) | Value::Text(_) | Value::Uuid(_)));
        match self.dialect {
            Dialect::Postgres => return Ok(self.unnested(rows, binds)),
            Dialect::Mysql | Dialect::Mariadb if self.wants_table(rows.len(), binds) => {
                let written = self.target.is_some();
                if written {
                    let columns: Vec<String> = (0..binds.len()).map(|place| json_column("v", place, binds)).collect();
                    self.push(&format!("SELECT {} FROM (", columns.join(", ")));
                }
                self.json_table(rows, binds, "v")?;
                // What has a limit is made once.
                if written {
                    self.push(&format!(" LIMIT {}) AS jd", u64::MAX));
                }
            }
            Dialect::Sqlite if plain && binds.len() > 1 => {
                self.push("SELECT ");
                self.list(0..binds.len(), |writer, place| {
                    writer.push(&format!("value ->> {place}"));
                    Ok(())
                })?;
                self.push(" FROM json_each(");
                self.json_rows(rows);
                self.push(")");
            }
            Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite => return Ok(false),
        }
        Ok(true)
    }

    /// One array for each column (PostgreSQL).
    fn unnested(&mut self, rows: &[Vec<Value>], binds: &[BindType]) -> bool {
        let Some(names) = binds.iter().map(|bind| cast_name(*bind)).collect::<Option<Vec<_>>>() else { return false };
        let columns: Vec<String> = (0..binds.len()).map(|place| format!("v{place}")).collect();
        let columns = columns.join(", ");
        self.push("SELECT ");
        self.push(&columns);
        self.push(" FROM unnest(");
        for (place, (bind, name)) in binds.iter().zip(names).enumerate() {
            self.push(if place > 0 { ", " } else { "" });
            self.bind(column_of(rows, place), BindType::list(bind.scalar));
            self.push("::");
            self.push(name);
            self.push("[]");
        }
        self.push(") AS u (");
        self.push(&columns);
        self.push(")");
        true
    }

    /// All rows as one JSON parameter: a list of values, or of lists of them.
    fn json_rows(&mut self, rows: &[Vec<Value>]) {
        let list = rows.iter().map(|row| match row.as_slice() {
            [value] => value.to_json(),
            values => values.iter().map(Value::to_json).collect(),
        });
        let list = serde_json::Value::Array(list.collect());
        self.bind(Value::Text(list.to_string()), BindType::one(ScalarType::Text));
    }

    /// A long list as one JSON parameter (MySQL, MariaDB).
    fn json_table(&mut self, rows: &[Vec<Value>], binds: &[BindType], name: &str) -> Result<()> {
        let single = binds.len() == 1;
        self.push("SELECT ");
        self.list(0..binds.len(), |writer, place| {
            writer.push(&json_column(name, place, binds));
            Ok(())
        })?;
        self.push(" FROM JSON_TABLE(");
        self.json_rows(rows);
        self.push(", '$[*]' COLUMNS (");
        self.list(binds.iter().enumerate(), |writer, (place, bind)| {
            let (column, kind) = (json_column(name, place, binds), table_type(*bind));
            let kind = match (kind, bind.scalar) {
                ("LONGTEXT", ScalarType::Date) if rows.iter().all(|row| matches!(row.get(place), Some(Value::Date(_)))) => {
                    "DATE".to_owned()
                }
                ("LONGTEXT", _) => text_type(rows, place),
                // As its column is: they look nothing up by an index of another character set.
                (kind, ScalarType::Uuid) => format!("{kind} CHARACTER SET ascii"),
                (kind, _) => kind.to_owned(),
            };
            writer.push(&if single { format!("{column} {kind} PATH '$'") } else { format!("{column} {kind} PATH '$[{place}]'") });
            Ok(())
        })?;
        self.push(")) AS jt");
        Ok(())
    }
}

/// The type of a column of JSON_TABLE.
fn table_type(bind: BindType) -> &'static str {
    match bind.scalar {
        ScalarType::I16 | ScalarType::I32 | ScalarType::I64 => "BIGINT",
        ScalarType::U64 => "BIGINT UNSIGNED",
        ScalarType::F32 | ScalarType::F64 => "DOUBLE",
        ScalarType::Decimal => "DECIMAL(65,30)",
        ScalarType::Uuid => "CHAR(36)",
        _ => "LONGTEXT",
    }
}

/// The type for the texts of a list: MySQL and MariaDB make no index of a LONGTEXT, and would compare every row with every value.
fn text_type(rows: &[Vec<Value>], place: usize) -> String {
    let length = |value: &Value| match value.to_json() {
        serde_json::Value::String(text) => text.chars().count(),
        other => other.to_string().len(),
    };
    match rows.iter().filter_map(|row| row.get(place)).map(length).max().unwrap_or(0) {
        longest if longest <= INDEXED => format!("VARCHAR({})", longest.next_power_of_two().max(64)),
        _ => "LONGTEXT".to_owned(),
    }
}

/// The name of a column of JSON_TABLE.
fn json_column(name: &str, place: usize, binds: &[BindType]) -> String {
    if binds.len() == 1 { name.to_owned() } else { format!("{name}{place}") }
}

/// To how many a list of so many rows is filled up, so that few texts serve all lengths.
fn padded(rows: usize) -> usize {
    if rows <= MOST_MARKS { rows.next_power_of_two() } else { rows.next_multiple_of(MOST_MARKS) }
}

fn column_of(rows: &[Vec<Value>], place: usize) -> Value {
    Value::Array(rows.iter().map(|row| row.get(place).cloned().unwrap_or_default()).collect())
}
