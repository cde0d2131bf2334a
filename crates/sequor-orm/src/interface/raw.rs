//! Raw SQL with Sequelize's replacements and bind values: every value is bound, whichever way it is given.

use crate::db::{Db, Rows, Run};
use crate::load::{run_one, step, unsink};
use crate::query::{told, unknown_option};
use sequor_core::Value;
use sequor_core::driver::Param;
use sequor_core::error::{Error, Result};
use sequor_core::schema::{ModelDef, Models};
use sequor_core::types::{BindType, value_from_json};
use sequor_sql::{Dialect, Sql};
use serde_json::{Map, Value as Json};
use std::panic::Location;

impl Db {
    /// Runs SQL text of the program with values from JSON, and answers as Sequelize's `query` does: `{ type, replacements, bind, plain, model }`.
    ///
    /// `replacements` (`:name` or `?`) and `bind` (`$1` or `$name`) are bound parameters both; a list in `replacements` becomes as many as it
    /// has items. Answers rows as a list (`plain`: the first or null), for `type` `UPDATE` the number of rows, for `INSERT` and `DELETE` null. The
    /// text itself is code: never build it from input.
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/users.in"));
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let (db, ann) = seeded().await?;
    /// let rows = db.query_json("SELECT name FROM users WHERE age > :age", json!({ "type": "SELECT", "replacements": { "age": 18 } })).await?;
    /// assert_eq!(rows, json!([{ "name": "Ann" }]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `Usage` for a name without a value and for unknown options; those of the database.
    #[track_caller]
    pub fn query_json(&self, text: &str, options: Json) -> impl Future<Output = Result<Json>> + Send + use<> {
        let (db, text, site) = (self.clone(), text.to_owned(), Location::caller());
        async move { query(&db, &text, options, site).await }
    }
}

const KNOWN: &[&str] = &["type", "replacements", "bind", "plain", "model", "mapToModel", "raw", "nest", "logging", "instance"];

async fn query(db: &Db, text: &str, options: Json, site: &'static Location<'static>) -> Result<Json> {
    let options = match options {
        Json::Null => Map::new(),
        Json::Object(map) => map,
        _ => return Err(Error::usage("the options of a query are an object")),
    };
    if let Some(unknown) = options.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(Error::usage(unknown_option("query", unknown, KNOWN)));
    }
    if options.contains_key("bind") && options.contains_key("replacements") {
        return Err(Error::usage("Both `replacements` and `bind` cannot be set at the same time"));
    }
    let model = match options.get("model").and_then(Json::as_str) {
        Some(name) => Some(db.models().by_name(name).ok_or_else(|| Error::usage(format!("{} has not been defined", name.escape_debug())))?),
        None => None,
    };
    let sql = Scanner { text, place: 0, dialect: db.dialect(), made: Sql { text: String::new(), params: Vec::new() }, positions: 0 };
    let sql = sql.scan(options.get("replacements"), options.get("bind"))?;
    let run = Run { operation: "query", model: None, site, write: true };
    let done = run_one(db, step(sql, Box::new(Rows::default())), run).await?;
    let affected = done.affected;
    let found = unsink::<Rows>(done)?;
    let nest = options.get("nest") == Some(&Json::Bool(true));
    let rows = |found: Rows| -> Vec<Json> {
        let Rows { names, rows } = found;
        rows.into_iter()
            .map(|row| {
                let row = names.iter().zip(row).map(|(name, value)| cell(name, value, model.as_deref())).collect();
                if nest { crate::model::nested(row) } else { Json::Object(row.into_iter().collect()) }
            })
            .collect()
    };
    match options.get("type").and_then(Json::as_str).map(str::to_ascii_uppercase).as_deref() {
        Some("UPDATE" | "BULKUPDATE" | "BULKDELETE") => Ok(affected.into()),
        Some("INSERT" | "DELETE" | "RAW") if found.names.is_empty() => Ok(Json::Null),
        None if found.names.is_empty() => Ok(affected.into()),
        _ if options.get("plain") == Some(&Json::Bool(true)) => Ok(rows(found).into_iter().next().unwrap_or_default()),
        _ => Ok(rows(found).into()),
    }
}

/// A cell under its name; with a model, under the attribute's name and as its type.
fn cell(name: &str, value: Value, model: Option<&ModelDef>) -> (String, Json) {
    let column = model.and_then(|model| model.columns.iter().find(|column| column.column == *name));
    match column {
        Some(column) => {
            let json = value.to_json();
            let typed = value_from_json(&column.ty, json.clone()).map_or(json, |value| value.to_json());
            (column.name.to_string(), typed)
        }
        None => (name.to_owned(), value.to_json()),
    }
}

/// Reads SQL text and turns its marks into placeholders; what stands in literals, quoted names and comments is left alone.
struct Scanner<'a> {
    text: &'a str,
    place: usize,
    dialect: Dialect,
    made: Sql,
    /// How many `?` were met.
    positions: usize,
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.place..).unwrap_or_default()
    }

    fn scan(mut self, replacements: Option<&Json>, bind: Option<&Json>) -> Result<Sql> {
        let mut before = ' ';
        while let Some(letter) = self.rest().chars().next() {
            let skipped = self.skipped(letter);
            if skipped > 0 {
                let from = self.made.text.len();
                self.copy(skipped);
                if bind.is_some() {
                    // In a statement with bound values `$$` is a dollar sign, in literals too, as in Sequelize.
                    let dollars = self.made.text.split_off(from).replace("$$", "$");
                    self.made.text.push_str(&dollars);
                }
                before = ' ';
                continue;
            }
            let word: String = self.rest().chars().skip(1).take_while(|letter| is_word(*letter)).collect();
            match (letter, replacements, bind) {
                (':', Some(Json::Object(map)), _)
                    if before != ':' && word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') =>
                {
                    let value = map
                        .get(&word)
                        .ok_or_else(|| Error::usage(format!("Named replacement \":{word}\" has no entry in the replacement map.")))?;
                    self.place += 1 + word.len();
                    self.push_list(value)?;
                }
                ('?', Some(Json::Array(list)), _) => {
                    let value = list.get(self.positions).ok_or_else(|| {
                        Error::usage(format!(
                            "Positional replacement (?) {} has no entry in the replacement map (replacements[{}] is undefined).",
                            self.positions, self.positions
                        ))
                    })?;
                    self.positions += 1;
                    self.place += 1;
                    self.push_list(value)?;
                }
                ('$', _, Some(_)) if self.rest().starts_with("$$") => {
                    self.made.text.push('$');
                    self.place += 2;
                }
                ('$', _, Some(values)) if !word.is_empty() && !is_word(before) => {
                    let value = match values {
                        Json::Array(list) => word.parse::<usize>().ok().and_then(|number| list.get(number.checked_sub(1)?)),
                        Json::Object(map) => map.get(&word),
                        _ => None,
                    };
                    let value =
                        value.ok_or_else(|| Error::usage(format!("Named bind parameter \"${word}\" has no value in the given object.")))?;
                    self.place += 1 + word.len();
                    self.push(value)?;
                }
                _ => self.copy(letter.len_utf8()),
            }
            before = letter;
        }
        Ok(self.made)
    }

    /// How many bytes of a literal, quoted name or comment begin here.
    fn skipped(&self, letter: char) -> usize {
        let rest = self.rest();
        let until =
            |end: &str, from: usize| rest.get(from..).and_then(|tail| tail.find(end)).map_or(rest.len(), |at| from + at + end.len());
        match letter {
            '\'' | '"' | '`' => until(&letter.to_string(), 1),
            '-' if rest.starts_with("--") => until("\n", 2),
            '/' if rest.starts_with("/*") => until("*/", 2),
            _ => 0,
        }
    }

    fn copy(&mut self, bytes: usize) {
        let part = self.rest().get(..bytes).unwrap_or_default().to_owned();
        self.made.text.push_str(&part);
        self.place += bytes;
    }

    /// A list becomes as many parameters as it has items; a list of lists one tuple each.
    fn push_list(&mut self, value: &Json) -> Result<()> {
        let Json::Array(items) = value else { return self.push(value) };
        if items.is_empty() {
            self.made.text.push_str("NULL");
        }
        for (number, item) in items.iter().enumerate() {
            self.made.text.push_str(if number == 0 { "" } else { ", " });
            if item.is_array() {
                self.made.text.push('(');
                self.push_list(item)?;
                self.made.text.push(')');
            } else {
                self.push(item)?;
            }
        }
        Ok(())
    }

    /// Whether the text goes on with `IS NULL` or `IS NOT NULL`.
    fn asks_for_null(&self) -> bool {
        let rest = self.rest();
        let mut words = rest.split_whitespace().take(3);
        let mut is = |wanted: &str| {
            let word = words.next().unwrap_or_default();
            word.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted)) && !word[wanted.len()..].starts_with(is_word)
        };
        let mut again = rest.split_whitespace().skip(1);
        let negated = again.next().is_some_and(|word| word.eq_ignore_ascii_case("NOT"));
        rest.starts_with(char::is_whitespace) && is("IS") && (!negated || is("NOT")) && is("NULL")
    }

    fn push(&mut self, value: &Json) -> Result<()> {
        // `:name IS NULL`: PostgreSQL cannot tell the type of such a parameter, and only whether it is there matters.
        if self.asks_for_null() {
            self.made.text.push_str(if value.is_null() { "NULL" } else { "1" });
            return Ok(());
        }
        let (value, bind) = told(value).unwrap_or_else(|| Ok((untyped(value), BindType::default())))?;
        self.made.params.push(Param { value, bind });
        self.dialect.put_mark(self.made.params.len(), &mut self.made.text);
        Ok(())
    }
}

fn untyped(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map(Value::I64).or_else(|| number.as_f64().map(Value::F64)).unwrap_or_default(),
        Json::String(text) => Value::from(text.as_str()),
        other => Value::from(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::Scanner;
    use sequor_sql::{Dialect, Sql};
    use serde_json::{Value as Json, json};

    fn scan(text: &str, replacements: Option<Json>, bind: Option<Json>) -> sequor_core::error::Result<(String, usize)> {
        let scanner =
            Scanner { text, place: 0, dialect: Dialect::Postgres, made: Sql { text: String::new(), params: Vec::new() }, positions: 0 };
        scanner.scan(replacements.as_ref(), bind.as_ref()).map(|sql| (sql.text, sql.params.len()))
    }

    #[test]
    fn marks_become_placeholders_and_literals_stay() {
        let made = scan("SELECT ':a', x::int -- :a ?\n WHERE a = :a AND \"b:a\" = :b", Some(json!({ "a": 1, "b": [1, 2] })), None).unwrap();
        assert_eq!(made, ("SELECT ':a', x::int -- :a ?\n WHERE a = $1 AND \"b:a\" = $2, $3".to_owned(), 3));
        assert_eq!(scan("a IN (?) AND b = ?", Some(json!([["x", "y"], null])), None).unwrap().0, "a IN ($1, $2) AND b = $3");
        assert_eq!(
            scan("a = $1 OR a = $who OR b = '$1' OR c = $$1", None, Some(json!({ "1": 5, "who": "x" }))).unwrap().0,
            "a = $1 OR a = $2 OR b = '$1' OR c = $1"
        );
        assert!(scan("a = :no", Some(json!({ "a": 1 })), None).unwrap_err().to_string().contains(":no"));
        assert!(scan("a = $2", None, Some(json!(["x"]))).unwrap_err().to_string().contains("$2"));
        assert_eq!(scan("'$$1' = $1", None, Some(json!(["x"]))).unwrap(), ("'$1' = $1".to_owned(), 1));
        let either = scan("a = :a OR :a is null OR :b IS NOT NULL) OR :a IS TRUE", Some(json!({ "a": "x", "b": null })), None).unwrap();
        assert_eq!(either, ("a = $1 OR 1 is null OR NULL IS NOT NULL) OR $2 IS TRUE".to_owned(), 2));
        assert_eq!(scan("a = ? -- '", None, None).unwrap().0, "a = ? -- '");
    }
}
