//! [`SqlWriter`]: the only code that pushes an identifier, a placeholder or a literal.

use crate::{Dialect, Sql};
use sequor_core::driver::Param;
use sequor_core::error::{Error, Result};
use sequor_core::schema::TableName;
use sequor_core::statement::{Alias, Expr};
use sequor_core::types::{BindType, ScalarType};
use sequor_core::{Name, Value};

/// Text and parameters being written.
pub(crate) struct SqlWriter {
    pub(crate) dialect: Dialect,
    text: String,
    params: Vec<Param>,
    /// Whether columns of no table are written with a table's name (the proposed row needs it on PostgreSQL).
    pub(crate) conflict_table: Option<String>,
    /// Where tables live that name no schema of their own.
    pub(crate) schema: Option<Name>,
    /// The table that an update or delete writes, which its columns are named by.
    pub(crate) target: Option<TableName>,
    /// Whether values are written as literals: in DDL, which takes no parameters.
    pub(crate) inline: bool,
    /// Expressions that PostgreSQL has to recognise where they are said again: with parameters of their own they would be others.
    pub(crate) shared: Vec<Shared>,
    /// A value that has no literal, which makes the whole text an error.
    unwritable: bool,
}

/// An expression of a group, and its text from the place where it was written first.
pub(crate) struct Shared {
    pub(crate) expr: Expr,
    text: Option<String>,
    being_written: bool,
}

impl Shared {
    /// Those of some expressions that hold more than a name.
    pub(crate) fn of<'e>(exprs: impl IntoIterator<Item = &'e Expr>) -> Vec<Shared> {
        let named = |expr: &&Expr| !matches!(expr, Expr::Column { .. } | Expr::Alias(_));
        exprs.into_iter().filter(named).map(|expr| Shared { expr: expr.clone(), text: None, being_written: false }).collect()
    }
}

impl SqlWriter {
    pub(crate) fn new(dialect: Dialect) -> SqlWriter {
        SqlWriter {
            dialect,
            text: String::with_capacity(256),
            params: Vec::new(),
            conflict_table: None,
            schema: None,
            target: None,
            inline: false,
            shared: Vec::new(),
            unwritable: false,
        }
    }

    /// A writer whose tables live in a schema unless they name their own.
    pub(crate) fn inside(dialect: Dialect, schema: Option<&str>) -> SqlWriter {
        SqlWriter { schema: schema.map(|schema| Name::Owned(schema.to_owned())), ..SqlWriter::new(dialect) }
    }

    pub(crate) fn finish(self) -> Sql {
        Sql { text: self.text, params: self.params }
    }

    /// Pushes a piece of fixed SQL.
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Pushes a whole number, which needs no quoting.
    pub(crate) fn number(&mut self, number: u64) {
        let mut digits = [0u8; 20];
        let mut place = digits.len();
        let mut rest = number;
        loop {
            place -= 1;
            digits[place] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.text.push_str(std::str::from_utf8(&digits[place..]).unwrap_or("0"));
    }

    /// Pushes a name, quoted, its delimiter doubled.
    pub(crate) fn name(&mut self, name: &str) -> Result<()> {
        if name.contains('\0') {
            return Err(Error::usage("a name cannot hold a NUL"));
        }
        let quote = self.dialect.quote();
        self.text.push(quote);
        for letter in name.chars() {
            if letter == quote {
                self.text.push(quote);
            }
            self.text.push(letter);
        }
        self.text.push(quote);
        Ok(())
    }

    /// Pushes a table's name with its schema.
    pub(crate) fn table(&mut self, table: &TableName) -> Result<()> {
        match &table.schema.clone().or_else(|| self.schema.clone()) {
            // SQLite has no schemas; Sequelize puts them before the name.
            Some(schema) if self.dialect == Dialect::Sqlite => self.name(&format!("{schema}.{}", table.name)),
            Some(schema) => {
                self.name(schema)?;
                self.push(".");
                self.name(&table.name)
            }
            None => self.name(&table.name),
        }
    }

    /// Pushes the name of a source.
    pub(crate) fn alias(&mut self, alias: &Alias) -> Result<()> {
        match alias {
            Alias::T(number) => {
                self.push("t");
                self.number(u64::from(*number));
                Ok(())
            }
            // SQLite's name of a tenant's table holds the tenant.
            Alias::Named(name) => match self.target.clone().filter(|target| target.name == *name && self.dialect == Dialect::Sqlite) {
                Some(target) => self.table(&target),
                None => self.name(name),
            },
        }
    }

    /// Writes an expression that is said again word by word; false where it is not one of those.
    pub(crate) fn said_before(&mut self, expr: &Expr) -> Result<bool> {
        let Some(place) = self.shared.iter().position(|known| !known.being_written && known.expr == *expr) else { return Ok(false) };
        if let Some(text) = &self.shared[place].text {
            self.text.push_str(text);
            return Ok(true);
        }
        self.shared[place].being_written = true;
        let start = self.text.len();
        self.expr(expr)?;
        let text = self.text[start..].to_owned();
        self.shared[place].text = Some(text);
        self.shared[place].being_written = false;
        Ok(true)
    }

    /// Binds a value and pushes its placeholder.
    pub(crate) fn bind(&mut self, value: Value, bind: BindType) {
        if self.inline {
            self.unwritable |= self.literal_of(&value).is_err();
            return;
        }
        self.params.push(Param { value, bind });
        match self.dialect {
            Dialect::Postgres => {
                self.text.push('$');
                self.number(u64::try_from(self.params.len()).unwrap_or(0));
            }
            Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite => self.text.push('?'),
        }
    }

    /// How many values are bound so far.
    pub(crate) fn param_count(&self) -> usize {
        self.params.len()
    }

    /// Binds a whole number.
    pub(crate) fn bind_number(&mut self, number: u64) -> Result<()> {
        let number = i64::try_from(number).map_err(|_| Error::usage("the number is too large for a limit or offset"))?;
        self.bind(Value::I64(number), BindType::one(ScalarType::I64));
        Ok(())
    }

    fn literal_of(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::Null => self.push("NULL"),
            Value::Bool(value) => self.push(if *value { "TRUE" } else { "FALSE" }),
            Value::I64(_) | Value::U64(_) | Value::Decimal(_) => self.text.push_str(value.to_json().to_string().trim_matches('"')),
            Value::F64(number) if number.is_finite() => self.text.push_str(&number.to_string()),
            Value::Text(text) => self.literal(text)?,
            other => match other.to_json() {
                serde_json::Value::String(text) => self.literal(&text)?,
                _ => return Err(Error::usage("a value without a literal")),
            },
        }
        Ok(())
    }

    /// The text, when every value in it could be written.
    pub(crate) fn finish_inline(self) -> Result<String> {
        if self.unwritable {
            return Err(Error::usage(
                "a condition in the schema holds a value that cannot be written as text: use texts, numbers, dates and truth values",
            ));
        }
        Ok(self.text)
    }

    /// Pushes a text literal. Only for DDL and for constants of the dialect; values of programs are bound.
    pub(crate) fn literal(&mut self, text: &str) -> Result<()> {
        if text.contains('\0') {
            return Err(Error::usage("a literal cannot hold a NUL"));
        }
        self.text.push('\'');
        for letter in text.chars() {
            // MySQL reads a backslash as an escape.
            if letter == '\'' || (letter == '\\' && self.dialect.is_mysql()) {
                self.text.push(letter);
            }
            self.text.push(letter);
        }
        self.text.push('\'');
        Ok(())
    }

    /// Pushes items with commas between.
    pub(crate) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut SqlWriter, T) -> Result<()>,
    ) -> Result<()> {
        for (number, item) in items.into_iter().enumerate() {
            if number > 0 {
                self.push(", ");
            }
            write(self, item)?;
        }
        Ok(())
    }

    /// Pushes the comment of key-values behind a statement (sqlcommenter: percent-encoded, sorted).
    pub(crate) fn tags(&mut self, tags: &[(String, String)]) {
        if tags.is_empty() {
            return;
        }
        let mut sorted: Vec<&(String, String)> = tags.iter().collect();
        sorted.sort();
        self.push(" /*");
        for (number, (key, value)) in sorted.into_iter().enumerate() {
            if number > 0 {
                self.push(",");
            }
            self.encoded(key);
            self.push("='");
            self.encoded(value);
            self.push("'");
        }
        self.push("*/");
    }

    fn encoded(&mut self, text: &str) {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
                self.text.push(char::from(byte));
            } else {
                self.text.push('%');
                for nibble in [byte >> 4, byte & 15] {
                    self.text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
                }
            }
        }
    }
}
