//! What is the same to a database, and how long it takes to find out.

use super::*;
use sequor_core::Value;
use sequor_core::schema::{Asked, Renames, Schema, TableName, diff};
use std::time::{Duration, Instant};

fn wide(number: usize) -> TableDef {
    let name = |number: usize| Name::Owned(format!("table_{number}"));
    let mut table = TableDef::new(TableName::new(name(number)));
    let types = [
        ColumnType::I64,
        ColumnType::VarChar(80),
        ColumnType::Text,
        ColumnType::Bool,
        ColumnType::DateTime(6),
        ColumnType::Decimal(Some((10, 2))),
        ColumnType::Json(true),
        ColumnType::Uuid,
    ];
    for place in 0..16 {
        let mut column = TableColumn::new(format!("column_{place}"), types[place % types.len()].clone());
        if column.ty == ColumnType::Bool {
            column.default = Default::Value(Value::Bool(true));
        }
        table.columns.push(column);
    }
    table.primary_key = vec!["column_0".into()];
    table.indexes.push(IndexDef { filter: Some("column_1 <> '' AND column_3 = true".into()), ..IndexDef::on(["column_1"]) });
    table.checks.push(CheckDef { name: format!("check_{number}").into(), expression: "column_5 BETWEEN 0 AND 100".into() });
    if number > 0 {
        table.foreign_keys.push(ForeignKeyDef {
            name: None,
            columns: vec!["column_8".into()],
            table: TableName::new(name(number - 1)),
            target: vec!["column_0".into()],
            on_delete: None,
            on_update: None,
            deferrable: None,
        });
    }
    table
}

#[test]
fn two_hundred_tables_are_compared_in_no_time() {
    let from = Schema { tables: (0..200).map(wide).collect(), ..Schema::default() }.arranged();
    let mut to = from.clone();
    to.tables[100].columns.push(TableColumn::new("more", ColumnType::I32));
    for dialect in [Dialect::Postgres, Dialect::Mariadb, Dialect::Sqlite] {
        let start = Instant::now();
        let changes = diff(&from, &to, &Renames::default(), &Asked::default(), &dialect).unwrap();
        let took = start.elapsed();
        println!("200 tables, {dialect:?}: {took:?}");
        assert_eq!(changes.len(), 1, "{changes:?}");
        // Without optimization, on a machine that is busy.
        assert!(took < Duration::from_secs(20), "{took:?}");
    }
}
