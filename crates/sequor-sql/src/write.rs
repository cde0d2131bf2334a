//! INSERT, UPDATE, DELETE.

use crate::Dialect;
use crate::writer::SqlWriter;
use sequor_core::error::{Error, Result};
use sequor_core::schema::TableName;
use sequor_core::statement::{Conflict, ConflictAction, Delete, Expr, Insert, OrderBy, SelectItem, Update, UpdateMany};
use sequor_core::types::{BindType, ColumnType};
use sequor_core::{Name, Value};

impl SqlWriter {
    pub(crate) fn insert(&mut self, insert: &Insert) -> Result<()> {
        self.push("INSERT INTO ");
        self.table(&insert.table)?;
        if insert.columns.is_empty() {
            self.push(if self.dialect.is_mysql() { " () VALUES ()" } else { " DEFAULT VALUES" });
        } else {
            self.push(" (");
            self.list(&insert.columns, |writer, column| writer.name(&column.name))?;
            self.push(") ");
            self.rows(insert)?;
        }
        if let Some(conflict) = &insert.conflict {
            self.conflict(conflict, insert)?;
        }
        if self.dialect.insert_returning() {
            self.returning(&insert.returning)?;
        }
        self.tags(&insert.tags);
        Ok(())
    }

    fn rows(&mut self, insert: &Insert) -> Result<()> {
        if self.dialect == Dialect::Postgres && insert.rows.len() > 1 && arrays_fit(insert) {
            return self.unnest(insert);
        }
        self.push("VALUES ");
        self.list(&insert.rows, |writer, row| {
            if row.len() != insert.columns.len() {
                return Err(Error::bug("a row of an insert has another number of values than columns"));
            }
            writer.push("(");
            writer.list(row, |writer, value| writer.expr(value))?;
            writer.push(")");
            Ok(())
        })
    }

    /// One array for each column: one text for any number of rows, and no limit of parameters.
    fn unnest(&mut self, insert: &Insert) -> Result<()> {
        self.push("SELECT * FROM UNNEST(");
        for (place, column) in insert.columns.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            let values = insert.rows.iter().map(|row| match row.get(place) {
                Some(Expr::Value(value, _)) => value.clone(),
                _ => Value::Null,
            });
            self.bind(Value::Array(values.collect()), BindType::list(column.ty.bind().scalar));
            self.push("::");
            self.array_type(&column.ty)?;
        }
        self.push(")");
        Ok(())
    }

    /// The name of a column type's array, for casts of bound lists.
    pub(crate) fn array_type(&mut self, ty: &ColumnType) -> Result<()> {
        match ty {
            ColumnType::Enum(def) => self.table(&TableName { schema: None, name: def.name.clone() })?,
            other => {
                let name = crate::ddl::type_name(other, Dialect::Postgres, false)?;
                self.push(&name);
            }
        }
        self.push("[]");
        Ok(())
    }

    fn conflict(&mut self, conflict: &Conflict, insert: &Insert) -> Result<()> {
        if self.dialect.is_mysql() {
            self.push(" ON DUPLICATE KEY UPDATE ");
            return match &conflict.action {
                // INSERT IGNORE would swallow every other error as well.
                ConflictAction::Nothing => {
                    let column = conflict.target.first().or_else(|| insert.columns.first().map(|column| &column.name));
                    let Some(column) = column else { return Err(Error::bug("an insert without columns has no conflict")) };
                    self.name(column)?;
                    self.push(" = ");
                    self.name(column)
                }
                ConflictAction::Update(set) => self.set(set),
            };
        }
        self.push(" ON CONFLICT");
        if !conflict.target.is_empty() {
            self.push(" (");
            self.list(&conflict.target, |writer, column| writer.name(column))?;
            self.push(")");
            if let Some(filter) = &conflict.target_filter {
                self.push(" WHERE ");
                self.push(filter);
            }
        }
        match &conflict.action {
            ConflictAction::Nothing => self.push(" DO NOTHING"),
            ConflictAction::Update(set) => {
                self.push(" DO UPDATE SET ");
                self.conflict_table = Some(insert.table.name.to_string());
                let told = insert.returning.iter().any(|item| matches!(item.expr, Expr::Inserted));
                match set.split_first() {
                    Some(((column, value), others)) if told && self.dialect == Dialect::Sqlite => {
                        self.name(column)?;
                        self.push(" = sequor_replaced(");
                        self.expr(value)?;
                        self.push(")");
                        if !others.is_empty() {
                            self.push(", ");
                            self.set(others)?;
                        }
                    }
                    _ => self.set(set)?,
                }
                self.conflict_table = None;
            }
        }
        Ok(())
    }

    fn set(&mut self, set: &[(Name, Expr)]) -> Result<()> {
        self.list(set, |writer, (column, value)| {
            writer.name(column)?;
            writer.push(" = ");
            writer.expr(value)
        })
    }

    /// The first value is asked for once for each row that changes: beside it the driver is told the row as it was.
    fn set_telling(&mut self, set: &[(Name, Expr)], before: &[Name]) -> Result<()> {
        if !self.dialect.update_tells(before.len()) {
            return Err(Error::bug("this database does not tell the rows of an update as they were"));
        }
        let Some(((column, value), others)) = set.split_first() else { return Ok(()) };
        self.name(column)?;
        self.push(" = CASE WHEN sequor_before(");
        self.list(before, |writer, column| writer.name(column))?;
        self.push(") THEN ");
        self.expr(value)?;
        self.push(" END");
        if !others.is_empty() {
            self.push(", ");
        }
        self.set(others)
    }

    pub(crate) fn update(&mut self, update: &Update) -> Result<()> {
        self.target = Some(update.table.clone());
        if update.set.is_empty() {
            return Err(Error::bug("an update that sets nothing"));
        }
        self.push("UPDATE ");
        self.table(&update.table)?;
        self.push(" SET ");
        if update.before.is_empty() {
            self.set(&update.set)?;
        } else {
            self.set_telling(&update.set, &update.before)?;
        }
        self.condition(&update.table, update.filter.as_ref(), &update.order_by, update.limit, &update.key)?;
        if self.dialect.update_returning() {
            self.returning(&update.returning)?;
        }
        self.tags(&update.tags);
        Ok(())
    }

    /// The columns of the table of values have names that no model has: what stands alone is a column of the rows that change.
    pub(crate) fn update_many(&mut self, update: &UpdateMany) -> Result<()> {
        if self.dialect != Dialect::Postgres {
            return Err(Error::bug("only PostgreSQL joins arrays to the rows of an update"));
        }
        self.push("UPDATE ");
        self.table(&update.table)?;
        self.push(" SET ");
        self.list(update.set.iter().enumerate(), |writer, (place, column)| {
            writer.name(&column.name)?;
            writer.push(&format!(" = sequor_new.sequor_s{place}"));
            Ok(())
        })?;
        if let Some(raised) = &update.raise {
            self.push(if update.set.is_empty() { "" } else { ", " });
            self.name(raised)?;
            self.push(" = ");
            self.name(raised)?;
            self.push(" + 1");
        }
        self.push(" FROM UNNEST(");
        self.list(update.by.iter().chain(&update.set), |writer, column| {
            writer.bind(Value::Array(Vec::new()), BindType::list(column.ty.bind().scalar));
            writer.push("::");
            writer.array_type(&column.ty)
        })?;
        self.push(") AS sequor_new (");
        let names = (0..update.by.len()).map(|place| format!("sequor_k{place}"));
        self.list(names.chain((0..update.set.len()).map(|place| format!("sequor_s{place}"))), |writer, name| {
            writer.push(&name);
            Ok(())
        })?;
        self.push(")");
        for (place, column) in update.by.iter().enumerate() {
            self.push(if place == 0 { " WHERE " } else { " AND " });
            self.name(&column.name)?;
            self.push(&format!(" = sequor_new.sequor_k{place}"));
        }
        self.returning(&update.returning)
    }

    pub(crate) fn delete(&mut self, delete: &Delete) -> Result<()> {
        self.target = Some(delete.table.clone());
        self.push("DELETE FROM ");
        self.table(&delete.table)?;
        self.condition(&delete.table, delete.filter.as_ref(), &delete.order_by, delete.limit, &delete.key)?;
        if self.dialect.delete_returning() {
            self.returning(&delete.returning)?;
        }
        self.tags(&delete.tags);
        Ok(())
    }

    /// WHERE with a limit: native on MySQL, elsewhere by the keys of a sub-query.
    fn condition(
        &mut self,
        table: &sequor_core::schema::TableName,
        filter: Option<&Expr>,
        order: &[OrderBy],
        limit: Option<u64>,
        key: &[Name],
    ) -> Result<()> {
        let nested = limit.is_some() && !self.dialect.is_mysql();
        if nested {
            self.push(" WHERE ");
            let tuple = key.len() != 1;
            if tuple {
                self.push("(");
            }
            self.list(key, |writer, column| writer.name(column))?;
            if tuple {
                self.push(")");
            }
            self.push(" IN (SELECT ");
            self.list(key, |writer, column| writer.name(column))?;
            self.push(" FROM ");
            self.table(table)?;
        }
        if let Some(filter) = filter {
            self.push(" WHERE ");
            self.expr(filter)?;
        }
        self.order(order)?;
        if let Some(limit) = limit {
            self.push(" LIMIT ");
            self.most(limit)?;
        }
        if nested {
            self.push(")");
        }
        Ok(())
    }

    fn returning(&mut self, items: &[SelectItem]) -> Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        self.push(" RETURNING ");
        self.items(items)
    }
}

/// Whether every value is a plain scalar, so that columns can travel as arrays.
fn arrays_fit(insert: &Insert) -> bool {
    let types = insert
        .columns
        .iter()
        .all(|column| !matches!(column.ty, ColumnType::Array(_) | ColumnType::Range(_) | ColumnType::HStore | ColumnType::TsVector));
    types && insert.rows.iter().all(|row| row.iter().all(|value| matches!(value, Expr::Value(..))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sequor_core::statement::{InsertColumn, Statement};

    #[test]
    fn rows_join_an_array_for_each_column() {
        let column = |name: &'static str, ty| InsertColumn { name: Name::Borrowed(name), ty };
        let update = UpdateMany {
            table: TableName { schema: None, name: Name::Borrowed("people") },
            by: vec![column("id", ColumnType::I64), column("version", ColumnType::I64)],
            set: vec![column("score", ColumnType::F64)],
            raise: Some(Name::Borrowed("version")),
            returning: vec![SelectItem::new(Expr::Column { table: None, name: Name::Borrowed("id") })],
        };
        let statement = Statement::UpdateMany(Box::new(update));
        let sql = crate::render(&statement, Dialect::Postgres).unwrap();
        assert_eq!(
            sql.text,
            "UPDATE \"people\" SET \"score\" = sequor_new.sequor_s0, \"version\" = \"version\" + 1 \
             FROM UNNEST($1::bigint[], $2::bigint[], $3::double precision[]) AS sequor_new (sequor_k0, sequor_k1, sequor_s0) \
             WHERE \"id\" = sequor_new.sequor_k0 AND \"version\" = sequor_new.sequor_k1 RETURNING \"id\""
        );
        assert!(crate::render(&statement, Dialect::Sqlite).is_err());
    }
}
