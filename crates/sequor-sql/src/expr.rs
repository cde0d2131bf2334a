//! Expressions.

mod list;
mod operators;
mod search;
mod window;

pub use list::{LONG_LIST, MOST_MARKS};

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::Value;
use sequor_core::error::{Error, Result};
use sequor_core::statement::{Alias, BinaryOp, CaseArm, CastType, Expr, LikeKind, Quantifier, RawPart, Select, UnaryOp};
use sequor_core::types::{BindType, ColumnType, ScalarType};

/// Longer lists of conditions are written in halves on SQLite.
const MOST_IN_A_ROW: usize = 256;

impl SqlWriter {
    pub(crate) fn expr(&mut self, expr: &Expr) -> Result<()> {
        if !self.shared.is_empty() && self.said_before(expr)? {
            return Ok(());
        }
        match expr {
            Expr::Field(field) => Err(Error::bug(format!("the field {} was not planned", field.name))),
            Expr::Relation(relation) => Err(Error::bug(format!("the relation {} was not planned", relation.relation))),
            Expr::Query(_) | Expr::Outer(_) => Err(Error::bug("a sub-query was not planned")),
            Expr::Parent(_) => Err(Error::bug("a column of the parent was not planned")),
            Expr::Invalid(message) => Err(Error::usage(message.to_string())),
            Expr::Column { table, name } => self.column_of(table.as_ref(), name),
            Expr::Alias(name) => self.name(name),
            Expr::Value(value, bind) => self.value(value, *bind),
            Expr::Default => self.word(if self.dialect.default_keyword() { "DEFAULT" } else { "NULL" }),
            Expr::Now => self.word(match self.dialect {
                Dialect::Postgres => "CURRENT_TIMESTAMP",
                Dialect::Mysql | Dialect::Mariadb => "UTC_TIMESTAMP(6)",
                Dialect::Sqlite => "sequor_now()",
            }),
            Expr::Star => self.word("*"),
            Expr::Proposed(name) => self.proposed(name),
            Expr::Inserted => self.inserted(),
            Expr::And(list) => self.joined(list, " AND ", true),
            Expr::Or(list) => self.joined(list, " OR ", false),
            Expr::Unary(op, inner) => {
                self.push(match op {
                    UnaryOp::Not => "NOT ",
                    UnaryOp::Negate => "-",
                });
                self.nested(inner)
            }
            Expr::Binary(op, left, right) => self.binary(*op, left, right),
            Expr::IsNull { expr, negated } => {
                self.nested(expr)?;
                self.word(if *negated { " IS NOT NULL" } else { " IS NULL" })
            }
            Expr::Between { expr, low, high, negated } => {
                self.nested(expr)?;
                self.push(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.nested(low)?;
                self.push(" AND ");
                self.nested(high)
            }
            Expr::InValues { exprs, rows, binds, negated, scanned } => self.in_values((exprs, rows, binds), *negated, *scanned),
            Expr::InExprs { expr, list, negated } => self.in_exprs(expr, list, *negated),
            Expr::InSelect { expr, select, negated } => {
                self.nested(expr)?;
                self.push(if *negated { " NOT IN " } else { " IN " });
                self.subquery(select)
            }
            Expr::Exists { select, negated } => {
                self.push(if *negated { "NOT EXISTS " } else { "EXISTS " });
                self.subquery(select)
            }
            Expr::Select(select) => self.subquery(select),
            Expr::Like { expr, pattern, kind, negated } => self.like(expr, pattern, *kind, *negated),
            Expr::Quantified { op, left, quantifier, right } => self.quantified(*op, left, *quantifier, right),
            Expr::Json { expr, path, take } => self.json(expr, path, *take),
            Expr::JsonSet { expr, path, value } => self.json_set(expr, path, value.as_deref()),
            Expr::Call { func, args, distinct, filter } => self.call(func, args, *distinct, filter.as_deref()),
            Expr::Search(search) => self.search(search),
            Expr::Over(window) => self.over(window),
            Expr::Case { arms, otherwise } => self.case(arms, otherwise.as_deref()),
            Expr::Cast(inner, ty) => self.cast(inner, ty),
            Expr::Tuple(list) => self.between("(", list, ")"),
            Expr::List(list) if self.dialect == Dialect::Postgres => self.between("ARRAY[", list, "]"),
            Expr::List(list) => self.between("JSON_ARRAY(", list, ")"),
            Expr::Raw(parts) => self.raw(parts),
        }
    }

    fn value(&mut self, value: &Value, bind: BindType) -> Result<()> {
        // A text is no document to MySQL, whose JSON is a type: it would be compared with, and stored in others, as the text that it is.
        let document = self.dialect == Dialect::Mysql && matches!(value, Value::Json(_) | Value::Array(_));
        self.push(if document { "CAST(" } else { "" });
        self.bind(value.clone(), bind);
        self.word(if document { " AS JSON)" } else { "" })
    }

    fn word(&mut self, text: &str) -> Result<()> {
        self.push(text);
        Ok(())
    }

    fn between(&mut self, open: &str, list: &[Expr], close: &str) -> Result<()> {
        self.push(open);
        self.list(list, |writer, item| writer.expr(item))?;
        self.word(close)
    }

    fn subquery(&mut self, select: &Select) -> Result<()> {
        self.push("(");
        self.select(select)?;
        self.word(")")
    }

    fn column_of(&mut self, table: Option<&Alias>, name: &str) -> Result<()> {
        match (table, &self.conflict_table) {
            (Some(table), _) => {
                self.alias(table)?;
                self.push(".");
            }
            (None, Some(table)) => {
                let table = table.clone();
                self.name(&table)?;
                self.push(".");
            }
            (None, None) => {}
        }
        self.name(name)
    }

    fn in_exprs(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<()> {
        if list.is_empty() {
            self.truth(negated);
            return Ok(());
        }
        self.nested(expr)?;
        self.between(if negated { " NOT IN (" } else { " IN (" }, list, ")")
    }

    fn case(&mut self, arms: &[CaseArm], otherwise: Option<&Expr>) -> Result<()> {
        let alone = arms.iter().map(|arm| &arm.then).chain(otherwise).all(|outcome| matches!(outcome, Expr::Value(..)));
        self.push("CASE");
        for arm in arms {
            self.push(" WHEN ");
            self.expr(&arm.when)?;
            self.push(" THEN ");
            self.outcome(&arm.then, alone)?;
        }
        if let Some(otherwise) = otherwise {
            self.push(" ELSE ");
            self.outcome(otherwise, alone)?;
        }
        self.word(" END")
    }

    fn raw(&mut self, parts: &[RawPart]) -> Result<()> {
        for part in parts {
            match part {
                RawPart::Text(text) => self.push(text),
                RawPart::Value(value, bind) => self.bind(value.clone(), *bind),
                RawPart::Expr(expr) => self.expr(expr)?,
                RawPart::NoneOf(ty) => self.push(&crate::typed_null(ty, self.dialect)?),
            }
        }
        Ok(())
    }

    /// Whether the row of an upsert is new.
    fn inserted(&mut self) -> Result<()> {
        self.push(match self.dialect {
            // An old row was locked before it was changed, which its new version shows.
            Dialect::Postgres => "(xmax = 0)",
            // The assignment to an old row says so: see `conflict`.
            Dialect::Sqlite => "sequor_inserted()",
            Dialect::Mysql | Dialect::Mariadb => return Err(Error::bug("an upsert of MySQL does not tell whether the row is new")),
        });
        Ok(())
    }

    fn proposed(&mut self, name: &str) -> Result<()> {
        if self.dialect.is_mysql() {
            self.push("VALUES(");
            self.name(name)?;
            self.push(")");
            return Ok(());
        }
        self.push("excluded.");
        self.name(name)
    }

    /// Pushes true or false.
    pub(crate) fn truth(&mut self, value: bool) {
        self.push(if value { "1 = 1" } else { "1 = 0" });
    }

    fn joined(&mut self, list: &[Expr], word: &str, empty: bool) -> Result<()> {
        match list {
            [] => {
                self.truth(empty);
                Ok(())
            }
            [one] => self.expr(one),
            // SQLite counts a level for each member of a list, and refuses a thousand of them.
            list if self.dialect == Dialect::Sqlite && list.len() > MOST_IN_A_ROW => {
                let (first, second) = list.split_at(list.len() / 2);
                self.push("(");
                self.joined(first, word, empty)?;
                self.push(")");
                self.push(word);
                self.push("(");
                self.joined(second, word, empty)?;
                self.push(")");
                Ok(())
            }
            list => {
                for (number, item) in list.iter().enumerate() {
                    if number > 0 {
                        self.push(word);
                    }
                    self.nested(item)?;
                }
                Ok(())
            }
        }
    }

    /// An expression inside another, with parentheses where they are needed.
    pub(crate) fn nested(&mut self, expr: &Expr) -> Result<()> {
        let bare = match expr {
            Expr::And(list) | Expr::Or(list) => matches!(list.as_slice(), [one] if is_bare(one)),
            other => is_bare(other),
        };
        if bare {
            return self.expr(expr);
        }
        self.push("(");
        self.expr(expr)?;
        self.push(")");
        Ok(())
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) -> Result<()> {
        use BinaryOp as B;
        if self.compares_documents(op, left, right)? {
            return Ok(());
        }
        let word = match op {
            B::Equal => " = ",
            B::NotEqual => " <> ",
            B::Less => " < ",
            B::LessEqual => " <= ",
            B::Greater => " > ",
            B::GreaterEqual => " >= ",
            B::Add => " + ",
            B::Subtract => " - ",
            B::Multiply => " * ",
            B::DivideWhole if self.dialect.is_mysql() => " DIV ",
            B::Divide | B::DivideWhole => " / ",
            B::Modulo => " % ",
            B::Same | B::NotSame => return self.same(op == B::NotSame, left, right),
            B::Concat => return self.concat(left, right),
            B::Regexp | B::NotRegexp | B::IRegexp | B::NotIRegexp => return self.regexp(op, left, right),
            B::Contains | B::Contained | B::Overlap => return self.contains(op, left, right),
            B::Adjacent | B::StrictLeft | B::StrictRight | B::NoExtendRight | B::NoExtendLeft => return self.range_op(op, left, right),
            B::Match => return self.matches(left, right),
        };
        self.nested(left)?;
        self.push(word);
        self.nested(right)
    }

    fn like(&mut self, expr: &Expr, pattern: &Expr, kind: LikeKind, negated: bool) -> Result<()> {
        let insensitive = matches!(kind, LikeKind::ILike | LikeKind::IEscaped);
        if insensitive && self.dialect == Dialect::Sqlite {
            self.push(if negated { "NOT sequor_like(" } else { "sequor_like(" });
            self.expr(pattern)?;
            self.push(", ");
            self.expr(expr)?;
            self.push(", '\\')");
            return Ok(());
        }
        let lower = insensitive && self.dialect.is_mysql();
        self.maybe_lower(lower, expr)?;
        self.push(match (negated, insensitive && !lower) {
            (false, false) => " LIKE ",
            (true, false) => " NOT LIKE ",
            (false, true) => " ILIKE ",
            (true, true) => " NOT ILIKE ",
        });
        self.maybe_lower(lower, pattern)?;
        if lower {
            // A collation that ignores case ignores accents as well.
            self.push(" COLLATE utf8mb4_bin");
        }
        // MySQL and PostgreSQL escape by a backslash already; SQLite has to be told.
        if self.dialect == Dialect::Sqlite {
            self.push(" ESCAPE '\\'");
        }
        Ok(())
    }

    fn maybe_lower(&mut self, lower: bool, expr: &Expr) -> Result<()> {
        if !lower {
            return self.nested(expr);
        }
        self.push("LOWER(");
        self.expr(expr)?;
        self.push(")");
        Ok(())
    }

    fn quantified(&mut self, op: BinaryOp, left: &Expr, quantifier: Quantifier, right: &Expr) -> Result<()> {
        if self.dialect != Dialect::Postgres {
            return self.quantified_in_json(op, left, quantifier, right);
        }
        self.nested(left)?;
        self.push(match op {
            BinaryOp::Equal => " = ",
            BinaryOp::NotEqual => " <> ",
            BinaryOp::Less => " < ",
            BinaryOp::LessEqual => " <= ",
            BinaryOp::Greater => " > ",
            BinaryOp::GreaterEqual => " >= ",
            BinaryOp::Match => " LIKE ",
            BinaryOp::Regexp => " ~ ",
            BinaryOp::IRegexp => " ILIKE ",
            _ => return Err(Error::unsupported("this operator has no ANY or ALL")),
        });
        self.push(if quantifier == Quantifier::All { "ALL (" } else { "ANY (" });
        self.cast_value(right)?;
        self.push(")");
        Ok(())
    }

    /// A value whose type PostgreSQL cannot see from its place gets a cast.
    /// One of the values that a CASE may have. MySQL derives the type of parameters from what stands beside them, and takes texts that stand among nothing but
    /// parameters for numbers where they are aggregated.
    fn outcome(&mut self, expr: &Expr, alone: bool) -> Result<()> {
        let name = match expr {
            Expr::Value(Value::Text(_), _) => "CHAR",
            Expr::Value(Value::DateTime(_) | Value::NaiveDateTime(_), _) => "DATETIME(6)",
            Expr::Value(Value::Date(_), _) => "DATE",
            Expr::Value(Value::Time(_), _) => "TIME(6)",
            _ => return self.cast_value(expr),
        };
        if self.dialect != Dialect::Mysql || !alone {
            return self.cast_value(expr);
        }
        self.push("CAST(");
        self.expr(expr)?;
        self.push(" AS ");
        self.push(name);
        self.word(")")
    }

    pub(crate) fn cast_value(&mut self, expr: &Expr) -> Result<()> {
        self.nested(expr)?;
        if let (Dialect::Postgres, Expr::Value(_, bind)) = (self.dialect, expr)
            && let Some(name) = cast_name(*bind)
        {
            self.push("::");
            self.push(name);
            if bind.array {
                self.push("[]");
            }
        }
        Ok(())
    }

    fn cast(&mut self, inner: &Expr, ty: &CastType) -> Result<()> {
        let (before, after) = match (self.dialect, ty) {
            (Dialect::Sqlite | Dialect::Mysql | Dialect::Mariadb, CastType::Column(ColumnType::Bool)) => ("(", " <> 0)"),
            // The text of an instant is no date yet.
            (Dialect::Sqlite, CastType::Column(ColumnType::Date)) => ("date(", ")"),
            (Dialect::Sqlite, CastType::Column(ColumnType::DateTime(_))) => ("sequor_instant(", ")"),
            _ => {
                self.push("CAST(");
                self.expr(inner)?;
                self.push(" AS ");
                self.cast_type(ty)?;
                return self.word(")");
            }
        };
        self.push(before);
        self.nested(inner)?;
        self.word(after)
    }

    fn cast_type(&mut self, ty: &CastType) -> Result<()> {
        let mysql = self.dialect.is_mysql();
        match ty {
            CastType::Signed => self.push(if mysql { "SIGNED" } else { "BIGINT" }),
            CastType::Unsigned => self.push(if mysql { "UNSIGNED" } else { "BIGINT" }),
            CastType::Column(ColumnType::VarChar(length) | ColumnType::Char(length)) if mysql => self.push(&format!("CHAR({length})")),
            CastType::Column(ColumnType::Decimal(Some((precision, scale)))) if mysql => self.push(&format!("DECIMAL({precision},{scale})")),
            CastType::Column(ty) if mysql => self.push(match ty {
                ColumnType::Bool | ColumnType::I8 | ColumnType::I16 | ColumnType::I32 | ColumnType::I64 => "SIGNED",
                ColumnType::U8 | ColumnType::U16 | ColumnType::U32 | ColumnType::U64 => "UNSIGNED",
                ColumnType::F32 | ColumnType::F64 => "DOUBLE",
                ColumnType::Decimal(_) => "DECIMAL(65,12)",
                ColumnType::Date => "DATE",
                ColumnType::Time => "TIME(6)",
                ColumnType::DateTime(_) | ColumnType::NaiveDateTime(_) => "DATETIME(6)",
                ColumnType::Bytes => "BINARY",
                _ => "CHAR",
            }),
            CastType::Column(ty) => {
                let name = match (self.dialect, ty) {
                    (Dialect::Sqlite, ColumnType::DateTime(_) | ColumnType::NaiveDateTime(_) | ColumnType::Date | ColumnType::Time) => {
                        "TEXT".to_owned()
                    }
                    (Dialect::Sqlite, ColumnType::Decimal(_)) => "NUMERIC".to_owned(),
                    (Dialect::Sqlite, ty) => crate::ddl::type_name(ty, self.dialect, false)?.split(' ').next().unwrap_or("TEXT").to_owned(),
                    (dialect, ty) => crate::ddl::type_name(ty, dialect, false)?,
                };
                self.push(&name);
            }
        }
        Ok(())
    }
}

fn is_bare(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Column { .. }
            | Expr::Alias(_)
            | Expr::Value(..)
            | Expr::Default
            | Expr::Now
            | Expr::Star
            | Expr::Proposed(_)
            | Expr::Inserted
            | Expr::Exists { .. }
            | Expr::Select(_)
            | Expr::Call { .. }
            | Expr::Over(_)
            | Expr::Case { .. }
            | Expr::Cast(..)
            | Expr::Tuple(_)
            | Expr::List(_)
    )
}

/// PostgreSQL's name of a bound type.
pub(crate) fn cast_name(bind: BindType) -> Option<&'static str> {
    Some(match bind.scalar {
        ScalarType::Inferred => return None,
        ScalarType::Bool => "bool",
        ScalarType::I16 => "int2",
        ScalarType::I32 => "int4",
        ScalarType::I64 => "int8",
        ScalarType::U64 | ScalarType::Decimal => "numeric",
        ScalarType::F32 => "float4",
        ScalarType::F64 => "float8",
        ScalarType::Text => "text",
        ScalarType::Bytes => "bytea",
        ScalarType::Uuid => "uuid",
        ScalarType::DateTime => "timestamptz",
        ScalarType::NaiveDateTime => "timestamp",
        ScalarType::Date => "date",
        ScalarType::Time => "time",
        ScalarType::Json => "json",
        ScalarType::Jsonb => "jsonb",
    })
}
