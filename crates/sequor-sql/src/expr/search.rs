//! Full text: every word of a search occurs, and how well.

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::schema::IndexDef;
use sequor_core::statement::{Expr, Search, SearchIndex};
use sequor_core::types::{BindType, ScalarType};

impl SqlWriter {
    /// A search that was not planned: `column MATCH text`.
    pub(super) fn matches(&mut self, left: &Expr, right: &Expr) -> Result<()> {
        let Expr::Value(Value::Text(words), _) = right else {
            return Err(Error::usage("a full-text search is a text: matches(\"two words\")"));
        };
        self.search(&Search::new(vec![left.clone()], words.as_str()))
    }

    pub(super) fn search(&mut self, search: &Search) -> Result<()> {
        let words: Vec<&str> = search.words.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        match (self.dialect, &search.index) {
            (Dialect::Postgres, _) => {
                self.push(if search.rank { "ts_rank(" } else { "" });
                self.document(&search.columns, search.language.as_deref())?;
                self.push(if search.rank { ", " } else { " @@ " });
                self.push("plainto_tsquery(");
                self.language(search.language.as_deref())?;
                self.push(", ");
                self.text(words.join(" "));
                self.push(if search.rank { "))::float8" } else { ")" });
            }
            (Dialect::Mysql | Dialect::Mariadb, _) => {
                self.push("MATCH(");
                self.list(&search.columns, |sql, column| sql.expr(column))?;
                self.push(") AGAINST(");
                self.text(words.iter().map(|word| format!("+{word}")).collect::<Vec<_>>().join(" "));
                self.push(" IN BOOLEAN MODE)");
            }
            (Dialect::Sqlite, Some(index)) => self.indexed(index, &words, search.rank)?,
            (Dialect::Sqlite, None) => {
                self.push(if search.rank { "sequor_match_rank(" } else { "sequor_matches(" });
                self.joined_text(&search.columns)?;
                self.push(", ");
                self.text(words.join(" "));
                self.push(")");
            }
        }
        Ok(())
    }

    fn text(&mut self, text: String) {
        self.bind(Value::Text(text), BindType::one(ScalarType::Text));
    }

    /// What PostgreSQL searches, spelt as its index is.
    pub(crate) fn document(&mut self, columns: &[Expr], language: Option<&str>) -> Result<()> {
        self.push("to_tsvector(");
        self.language(language)?;
        self.push(", ");
        match columns {
            [column] => {
                self.expr(column)?;
                self.push("::text");
            }
            columns => self.joined_text(columns)?,
        }
        self.push(")");
        Ok(())
    }

    /// The name of a text search configuration, out of the closed list.
    fn language(&mut self, language: Option<&str>) -> Result<()> {
        let name = language.unwrap_or("simple");
        if !IndexDef::LANGUAGES.contains(&name) {
            return Err(Error::usage(format!(
                "no full-text index knows the language {name:?}; it is one of {}",
                IndexDef::LANGUAGES.join(", ")
            )));
        }
        self.literal(name)
    }

    /// Some columns as one text, in which NULL is nothing.
    fn joined_text(&mut self, columns: &[Expr]) -> Result<()> {
        if let [column] = columns {
            return self.expr(column);
        }
        for (place, column) in columns.iter().enumerate() {
            self.push(if place == 0 { "coalesce(" } else { " || ' ' || coalesce(" });
            self.expr(column)?;
            self.push(if self.dialect == Dialect::Postgres { "::text, '')" } else { ", '')" });
        }
        Ok(())
    }

    /// FTS5: the words in quotes, so that none is an operator, in the columns that are asked for.
    fn indexed(&mut self, index: &SearchIndex, words: &[&str], rank: bool) -> Result<()> {
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let mut wanted = if quoted.is_empty() { "\"\"".to_owned() } else { quoted.join(" AND ") };
        if let Some(columns) = &index.columns {
            let columns: Vec<String> = columns.iter().map(|column| format!("\"{}\"", column.replace('"', "\"\""))).collect();
            wanted = format!("{{{}}} : ({wanted})", columns.join(" "));
        }
        if rank {
            self.push("coalesce((SELECT -bm25(");
            self.table(&index.table)?;
            self.push(") FROM ");
        } else {
            self.alias(&index.rows)?;
            self.push(".rowid IN (SELECT rowid FROM ");
        }
        self.table(&index.table)?;
        self.push(" WHERE ");
        self.table(&index.table)?;
        self.push(" MATCH ");
        self.text(wanted);
        if rank {
            self.push(" AND rowid = ");
            self.alias(&index.rows)?;
            self.push(".rowid), 0.0)");
        } else {
            self.push(")");
        }
        Ok(())
    }
}
