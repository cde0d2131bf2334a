//! Columns in DDL: types, defaults, comments.

use super::DdlWriter;
use crate::Dialect;
use crate::catalog::{canonical_type, words};
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{Default as ColumnDefault, TableColumn, TableName};
use sequor_core::types::ColumnType;

/// The name of a column type, as the tour's table says. `in_key`: MySQL needs a bounded type then.
pub(crate) fn type_name(ty: &ColumnType, dialect: Dialect, in_key: bool) -> Result<String> {
    let name = match dialect {
        Dialect::Postgres => postgres(ty)?,
        Dialect::Mysql | Dialect::Mariadb => mysql(ty, in_key)?,
        Dialect::Sqlite => sqlite(ty)?,
    };
    Ok(name)
}

/// Whether this database has a column type.
///
/// # Errors
/// `Usage` where it has none.
pub fn has_type(ty: &ColumnType, dialect: Dialect) -> Result<()> {
    type_name(ty, dialect, false).map(drop)
}

/// A NULL that can be compared with a column of this type: PostgreSQL takes one of a sub-query for text.
///
/// # Errors
/// `Usage` where the database has no such type.
pub fn typed_null(ty: &ColumnType, dialect: Dialect) -> Result<String> {
    Ok(match dialect {
        Dialect::Postgres => format!("CAST(NULL AS {})", postgres(ty)?),
        Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite => "NULL".into(),
    })
}

#[cold]
fn only_postgres(ty: &ColumnType) -> Error {
    Error::unsupported(format!("a column of type {} is PostgreSQL's; this database has none", ty.word()))
}

fn postgres(ty: &ColumnType) -> Result<String> {
    Ok(match ty {
        ColumnType::Bool => "boolean".into(),
        ColumnType::I8 | ColumnType::I16 | ColumnType::U8 => "smallint".into(),
        ColumnType::I32 | ColumnType::U16 => "integer".into(),
        ColumnType::I64 | ColumnType::U32 => "bigint".into(),
        ColumnType::U64 => "numeric(20,0)".into(),
        ColumnType::F32 => "real".into(),
        ColumnType::F64 => "double precision".into(),
        ColumnType::Decimal(None) => "numeric".into(),
        ColumnType::Decimal(Some((precision, scale))) => format!("numeric({precision},{scale})"),
        ColumnType::Text => "text".into(),
        ColumnType::VarChar(length) => format!("varchar({length})"),
        ColumnType::Char(length) => format!("char({length})"),
        ColumnType::CiText => "citext".into(),
        ColumnType::Uuid => "uuid".into(),
        ColumnType::DateTime(6) => "timestamptz".into(),
        ColumnType::DateTime(digits) => format!("timestamptz({digits})"),
        ColumnType::NaiveDateTime(6) => "timestamp".into(),
        ColumnType::NaiveDateTime(digits) => format!("timestamp({digits})"),
        ColumnType::Date => "date".into(),
        ColumnType::Time => "time".into(),
        ColumnType::Bytes => "bytea".into(),
        ColumnType::Json(true) => "jsonb".into(),
        ColumnType::Json(false) => "json".into(),
        ColumnType::Enum(def) => format!("\"{}\"", def.name.replace('"', "\"\"")),
        ColumnType::Array(element) => format!("{}[]", postgres(element)?),
        ColumnType::Range(element) => match **element {
            ColumnType::I32 => "int4range".into(),
            ColumnType::I64 => "int8range".into(),
            ColumnType::Decimal(_) => "numrange".into(),
            ColumnType::DateTime(_) => "tstzrange".into(),
            ColumnType::NaiveDateTime(_) => "tsrange".into(),
            ColumnType::Date => "daterange".into(),
            _ => return Err(Error::unsupported(format!("PostgreSQL has no range of {}", element.word()))),
        },
        ColumnType::Inet => "inet".into(),
        ColumnType::Cidr => "cidr".into(),
        ColumnType::MacAddr => "macaddr".into(),
        ColumnType::Interval => "interval".into(),
        ColumnType::HStore => "hstore".into(),
        ColumnType::TsVector => "tsvector".into(),
    })
}

fn mysql(ty: &ColumnType, in_key: bool) -> Result<String> {
    Ok(match ty {
        ColumnType::Bool => "tinyint(1)".into(),
        ColumnType::I8 => "tinyint".into(),
        ColumnType::I16 => "smallint".into(),
        ColumnType::I32 => "int".into(),
        ColumnType::I64 => "bigint".into(),
        ColumnType::U8 => "tinyint unsigned".into(),
        ColumnType::U16 => "smallint unsigned".into(),
        ColumnType::U32 => "int unsigned".into(),
        ColumnType::U64 => "bigint unsigned".into(),
        ColumnType::F32 => "float".into(),
        ColumnType::F64 => "double".into(),
        // As many digits before the point as the largest of Rust's has.
        ColumnType::Decimal(None) => "decimal(41,12)".into(),
        ColumnType::Decimal(Some((precision, scale))) => format!("decimal({precision},{scale})"),
        ColumnType::Text if in_key => "varchar(255)".into(),
        ColumnType::Text => "longtext".into(),
        ColumnType::VarChar(length) => format!("varchar({length})"),
        ColumnType::Char(length) => format!("char({length})"),
        ColumnType::Uuid => "char(36) character set ascii".into(),
        ColumnType::DateTime(digits) | ColumnType::NaiveDateTime(digits) => format!("datetime({digits})"),
        ColumnType::Date => "date".into(),
        ColumnType::Time => "time(6)".into(),
        ColumnType::Bytes if in_key => "varbinary(255)".into(),
        ColumnType::Bytes => "longblob".into(),
        ColumnType::Json(_) | ColumnType::Array(_) => "json".into(),
        ColumnType::Enum(def) => {
            let labels: Vec<String> =
                def.labels.iter().map(|label| format!("'{}'", label.replace('\\', "\\\\").replace('\'', "''"))).collect();
            format!("enum({})", labels.join(","))
        }
        ColumnType::CiText
        | ColumnType::Range(_)
        | ColumnType::Inet
        | ColumnType::Cidr
        | ColumnType::MacAddr
        | ColumnType::Interval
        | ColumnType::HStore
        | ColumnType::TsVector => return Err(only_postgres(ty)),
    })
}

fn sqlite(ty: &ColumnType) -> Result<String> {
    Ok(match ty {
        ColumnType::Bool
        | ColumnType::I8
        | ColumnType::I16
        | ColumnType::I32
        | ColumnType::I64
        | ColumnType::U8
        | ColumnType::U16
        | ColumnType::U32
        | ColumnType::U64 => "INTEGER".into(),
        ColumnType::F32 | ColumnType::F64 => "REAL".into(),
        ColumnType::Decimal(_) => "TEXT COLLATE sequor_decimal".into(),
        ColumnType::Text | ColumnType::VarChar(_) | ColumnType::Char(_) => "TEXT".into(),
        ColumnType::CiText => "TEXT COLLATE NOCASE".into(),
        ColumnType::Uuid
        | ColumnType::DateTime(_)
        | ColumnType::NaiveDateTime(_)
        | ColumnType::Date
        | ColumnType::Time
        | ColumnType::Json(_)
        | ColumnType::Array(_)
        | ColumnType::Enum(_) => "TEXT".into(),
        ColumnType::Bytes => "BLOB".into(),
        ColumnType::Range(_)
        | ColumnType::Inet
        | ColumnType::Cidr
        | ColumnType::MacAddr
        | ColumnType::Interval
        | ColumnType::HStore
        | ColumnType::TsVector => {
            return Err(only_postgres(ty));
        }
    })
}

/// What SQLite's types do not check by themselves.
pub(crate) fn implied_check(column: &TableColumn, dialect: Dialect) -> Result<Option<String>> {
    if dialect != Dialect::Sqlite {
        return Ok(None);
    }
    let mut sql = SqlWriter::new(dialect);
    match &column.ty {
        ColumnType::Bool => {
            sql.name(&column.name)?;
            sql.push(" IN (0, 1)");
        }
        ColumnType::Json(_) | ColumnType::Array(_) => {
            sql.push("json_valid(");
            sql.name(&column.name)?;
            sql.push(")");
        }
        ColumnType::Enum(def) => {
            sql.name(&column.name)?;
            sql.push(" IN (");
            sql.list(&def.labels, |sql, label| sql.literal(label))?;
            sql.push(")");
        }
        _ => return Ok(None),
    }
    Ok(Some(sql.finish().text))
}

/// A column's default as SQL, where the table has one.
pub(crate) fn default_text(column: &TableColumn, dialect: Dialect) -> Result<Option<String>> {
    if let ColumnDefault::Db(sql) = &column.default {
        return Ok(Some(sql.to_string()));
    }
    let mut writer = DdlWriter::new(dialect, None);
    writer.default(column)?;
    let text = writer.sql.finish().text;
    Ok(text.trim().strip_prefix("DEFAULT ").map(str::to_owned))
}

impl DdlWriter {
    /// A type's name; an enum of PostgreSQL lives in the schema of the tables.
    fn type_of(&self, ty: &ColumnType, in_key: bool) -> Result<String> {
        let plain = type_name(ty, self.dialect, in_key)?;
        let element = if let ColumnType::Array(element) = ty { element } else { ty };
        match (&self.sql.schema, element) {
            (Some(schema), ColumnType::Enum(_)) if self.dialect == Dialect::Postgres => {
                Ok(format!("\"{}\".{plain}", schema.replace('"', "\"\"")))
            }
            _ => Ok(plain),
        }
    }

    /// `"name" type NOT NULL DEFAULT ..`; `alone`: an SQLite key that counts itself up must stand with its column.
    pub(crate) fn column(&mut self, column: &TableColumn, alone: bool) -> Result<()> {
        self.sql.name(&column.name)?;
        self.sql.push(" ");
        self.column_type(column)?;
        self.own_words(column)?;
        if let Some(generated) = &column.generated {
            self.sql.push(" GENERATED ALWAYS AS (");
            self.sql.push(&generated.expression);
            self.sql.push(if generated.stored || self.dialect == Dialect::Postgres { ") STORED" } else { ") VIRTUAL" });
        }
        if alone {
            self.sql.push(" PRIMARY KEY");
            if let Some(action) = words::conflict(column, "PRIMARY KEY ON CONFLICT ") {
                self.sql.push(" ON CONFLICT ");
                self.sql.push(action);
            }
            self.sql.push(" AUTOINCREMENT");
            return Ok(());
        }
        if !column.nullable && column.generated.is_none() {
            self.sql.push(" NOT NULL");
            if let (Some(action), Dialect::Sqlite) = (words::conflict(column, "NOT NULL ON CONFLICT "), self.dialect) {
                self.sql.push(" ON CONFLICT ");
                self.sql.push(action);
            }
        }
        match (column.auto_increment, self.dialect) {
            (true, Dialect::Postgres) if words::of_column(self.dialect, column).is_some() => self.sql.push(" GENERATED ALWAYS AS IDENTITY"),
            (true, Dialect::Postgres) => self.sql.push(" GENERATED BY DEFAULT AS IDENTITY"),
            (true, Dialect::Mysql | Dialect::Mariadb) => self.sql.push(" AUTO_INCREMENT"),
            (true, Dialect::Sqlite) | (false, _) => {}
        }
        self.default(column)?;
        self.column_check(column)?;
        if let (Some(comment), true) = (&column.comment, self.dialect.is_mysql()) {
            self.sql.push(" COMMENT ");
            self.sql.literal(comment)?;
        }
        Ok(())
    }

    /// What MySQL said of a column itself; a type that is spelt with its character set says the rest.
    fn own_words(&mut self, column: &TableColumn) -> Result<()> {
        let Some(said) = words::of_column(self.dialect, column).filter(|_| self.dialect.is_mysql()) else { return Ok(()) };
        let spelt = self.spelt(column)?.to_lowercase();
        let twice = said.starts_with("CHARACTER SET") && (spelt.contains(" character set ") || spelt.contains(" collate "));
        // `CHARACTER SET x COLLATE y ON UPDATE ..`: four words for the set.
        let said = if twice { said.splitn(6, ' ').nth(5).unwrap_or_default() } else { said };
        if !said.is_empty() {
            self.sql.push(" ");
            self.sql.push(said);
        }
        Ok(())
    }

    pub(crate) fn column_type(&mut self, column: &TableColumn) -> Result<()> {
        let name = match &column.db_type {
            Some(own) => own.to_string(),
            None => self.type_of(&column.ty, column.in_key)?,
        };
        self.sql.push(&name);
        Ok(())
    }

    /// What SQLite's types do not check by themselves, or what a catalog says.
    fn column_check(&mut self, column: &TableColumn) -> Result<()> {
        let check = match &column.check {
            Some(check) => Some(check.to_string()),
            None if column.db_type.is_none() => implied_check(column, self.dialect)?,
            None => None,
        };
        if let Some(check) = check {
            self.sql.push(" CHECK (");
            self.sql.push(&check);
            self.sql.push(")");
        }
        Ok(())
    }

    pub(crate) fn default(&mut self, column: &TableColumn) -> Result<()> {
        match &column.default {
            ColumnDefault::None | ColumnDefault::Generator(_) | ColumnDefault::Function(_) => Ok(()),
            ColumnDefault::Db(sql) => {
                let bare = self.dialect == Dialect::Postgres;
                self.sql.push(if bare { " DEFAULT " } else { " DEFAULT (" });
                self.sql.push(sql);
                self.sql.push(if bare { "" } else { ")" });
                Ok(())
            }
            // MySQL takes no literal default for its long types, an expression in parentheses it does.
            ColumnDefault::Value(value) => {
                let long = matches!(column.ty, ColumnType::Text | ColumnType::Json(_) | ColumnType::Array(_) | ColumnType::Bytes)
                    && self.dialect.is_mysql();
                self.sql.push(if long { " DEFAULT (" } else { " DEFAULT " });
                self.literal(value, &column.ty)?;
                self.sql.push(if long { ")" } else { "" });
                Ok(())
            }
        }
    }

    pub(crate) fn literal(&mut self, value: &Value, ty: &ColumnType) -> Result<()> {
        match value {
            Value::Null => self.sql.push("NULL"),
            Value::Bool(value) if self.dialect == Dialect::Postgres => self.sql.push(if *value { "true" } else { "false" }),
            Value::Bool(value) => self.sql.push(if *value { "1" } else { "0" }),
            Value::I64(number) => self.sql.push(&number.to_string()),
            Value::U64(number) => self.sql.push(&number.to_string()),
            Value::F64(number) => self.sql.push(&format!("{number:?}")),
            Value::Decimal(number) if self.dialect == Dialect::Sqlite => self.sql.literal(&number.normalize().to_string())?,
            Value::Decimal(number) => self.sql.push(&number.to_string()),
            Value::Text(text) => self.sql.literal(text)?,
            Value::Uuid(uuid) => self.sql.literal(&uuid.to_string())?,
            Value::DateTime(instant) if self.dialect.is_mysql() => {
                self.sql.literal(&instant.format("%Y-%m-%d %H:%M:%S%.6f").to_string())?
            }
            Value::DateTime(instant) => self.sql.literal(&instant.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string())?,
            Value::NaiveDateTime(value) => self.sql.literal(&value.format("%Y-%m-%d %H:%M:%S%.6f").to_string())?,
            Value::Date(date) => self.sql.literal(&date.to_string())?,
            Value::Time(time) => self.sql.literal(&time.format("%H:%M:%S%.6f").to_string())?,
            Value::Json(json) => self.sql.literal(&json.to_string())?,
            Value::Array(values) if self.dialect == Dialect::Postgres => {
                self.sql.push("ARRAY[");
                for (number, value) in values.iter().enumerate() {
                    if number > 0 {
                        self.sql.push(", ");
                    }
                    self.literal(value, ty)?;
                }
                self.sql.push("]::");
                let name = type_name(ty, self.dialect, false)?;
                self.sql.push(&name);
            }
            Value::Array(_) => self.sql.literal(&value.to_json().to_string())?,
            Value::Bytes(_) | Value::Range(_) => {
                return Err(Error::unsupported(format!("a default of type {} cannot be written into a table: use db_default", ty.word())));
            }
        }
        Ok(())
    }

    /// PostgreSQL's comments are statements of their own; without a column, the table's.
    pub(crate) fn comment(&mut self, table: &TableName, column: Option<&TableColumn>) -> Result<()> {
        let (Dialect::Postgres, Some(column)) = (self.dialect, column) else { return Ok(()) };
        let Some(comment) = &column.comment else { return Ok(()) };
        self.column_comment(table, column, Some(comment))
    }

    pub(crate) fn alter_column(&mut self, table: &TableName, from: &TableColumn, to: &TableColumn) -> Result<()> {
        match self.dialect {
            Dialect::Sqlite => Err(Error::unsupported("SQLite cannot change a column: rebuild the table")),
            Dialect::Mysql | Dialect::Mariadb => {
                self.sql.push("ALTER TABLE ");
                self.sql.table(table)?;
                self.sql.push(" MODIFY COLUMN ");
                self.column(to, false)?;
                self.end();
                Ok(())
            }
            Dialect::Postgres => self.alter_column_postgres(table, from, to),
        }
    }

    fn alter_column_postgres(&mut self, table: &TableName, from: &TableColumn, to: &TableColumn) -> Result<()> {
        let old = canonical_type(self.dialect, &self.spelt(from)?);
        let new = self.spelt(to)?;
        let other_type = old != canonical_type(self.dialect, &new);
        if from.auto_increment && !to.auto_increment {
            self.alter_start(table, to)?;
            self.sql.push(" DROP IDENTITY IF EXISTS");
            self.end();
            // The counter of an older server is a default.
            self.alter_start(table, to)?;
            self.sql.push(" DROP DEFAULT");
            self.end();
        }
        if other_type {
            if has_default(from) {
                // A default of the old type may not fit the new one.
                self.alter_start(table, to)?;
                self.sql.push(" DROP DEFAULT");
                self.end();
            }
            self.alter_start(table, to)?;
            self.sql.push(" TYPE ");
            self.sql.push(&new);
            self.using(from, to, &new)?;
            self.end();
        }
        if from.nullable != to.nullable {
            self.alter_start(table, to)?;
            self.sql.push(if to.nullable { " DROP NOT NULL" } else { " SET NOT NULL" });
            self.end();
        }
        if has_default(to) {
            if other_type || default_text(from, self.dialect)? != default_text(to, self.dialect)? {
                self.alter_start(table, to)?;
                self.sql.push(" SET");
                self.default(to)?;
                self.end();
            }
        } else if !other_type && has_default(from) {
            self.alter_start(table, to)?;
            self.sql.push(" DROP DEFAULT");
            self.end();
        }
        if to.auto_increment && !from.auto_increment {
            self.add_identity(table, to)?;
        }
        if from.comment != to.comment {
            self.column_comment(table, to, to.comment.as_deref())?;
        }
        Ok(())
    }

    fn spelt(&self, column: &TableColumn) -> Result<String> {
        match &column.db_type {
            Some(own) => Ok(own.to_string()),
            None => self.type_of(&column.ty, column.in_key),
        }
    }

    fn alter_start(&mut self, table: &TableName, column: &TableColumn) -> Result<()> {
        self.sql.push("ALTER TABLE ");
        self.sql.table(table)?;
        self.sql.push(" ALTER COLUMN ");
        self.sql.name(&column.name)
    }

    /// How values get to their new type. Texts that are too long are refused by the plain assignment; a cast would cut them.
    fn using(&mut self, from: &TableColumn, to: &TableColumn, new: &str) -> Result<()> {
        let text = |ty: &ColumnType| ty.is_text();
        if text(&from.ty) && text(&to.ty) {
            return Ok(());
        }
        if matches!((&from.ty, &to.ty), (ColumnType::Array(_), ColumnType::Json(_))) {
            self.sql.push(" USING to_jsonb(");
            self.sql.name(&to.name)?;
            self.sql.push(")::");
            self.sql.push(new);
            return Ok(());
        }
        self.sql.push(" USING ");
        self.sql.name(&to.name)?;
        let is_enum = |ty: &ColumnType| match ty {
            ColumnType::Array(element) => matches!(**element, ColumnType::Enum(_)),
            ty => matches!(ty, ColumnType::Enum(_)),
        };
        if is_enum(&to.ty) || is_enum(&from.ty) || matches!((&from.ty, &to.ty), (ColumnType::Array(_), ColumnType::Array(_))) {
            self.sql.push(if matches!(to.ty, ColumnType::Array(_)) { "::text[]" } else { "::text" });
        }
        if (from.ty == ColumnType::Bool && to.ty.is_integer()) || (from.ty.is_integer() && to.ty == ColumnType::Bool) {
            self.sql.push("::integer");
        }
        if matches!(
            (&from.ty, &to.ty),
            (ColumnType::DateTime(_), ColumnType::NaiveDateTime(_)) | (ColumnType::NaiveDateTime(_), ColumnType::DateTime(_))
        ) {
            self.sql.push(" AT TIME ZONE 'UTC'");
            return Ok(());
        }
        if matches!((&from.ty, &to.ty), (ColumnType::Date, ColumnType::DateTime(_))) {
            self.sql.push("::timestamp AT TIME ZONE 'UTC'");
            return Ok(());
        }
        self.sql.push("::");
        self.sql.push(new);
        Ok(())
    }

    /// An identity that goes on behind the rows that are there.
    fn add_identity(&mut self, table: &TableName, column: &TableColumn) -> Result<()> {
        self.alter_start(table, column)?;
        self.sql.push(" ADD GENERATED BY DEFAULT AS IDENTITY");
        self.end();
        let mut name = SqlWriter::inside(self.dialect, self.sql.schema.as_deref());
        name.table(table)?;
        let name = name.finish().text;
        self.sql.push("SELECT setval(pg_get_serial_sequence(");
        self.sql.literal(&name)?;
        self.sql.push(", ");
        self.sql.literal(&column.name)?;
        self.sql.push("), coalesce(max(");
        self.sql.name(&column.name)?;
        self.sql.push("), 0) + 1, false) FROM ");
        self.sql.table(table)?;
        self.end();
        Ok(())
    }

    fn column_comment(&mut self, table: &TableName, column: &TableColumn, comment: Option<&str>) -> Result<()> {
        self.sql.push("COMMENT ON COLUMN ");
        self.sql.table(table)?;
        self.sql.push(".");
        self.sql.name(&column.name)?;
        self.sql.push(" IS ");
        match comment {
            Some(comment) => self.sql.literal(comment)?,
            None => self.sql.push("NULL"),
        }
        self.end();
        Ok(())
    }
}

fn has_default(column: &TableColumn) -> bool {
    matches!(column.default, ColumnDefault::Db(_) | ColumnDefault::Value(_))
}
