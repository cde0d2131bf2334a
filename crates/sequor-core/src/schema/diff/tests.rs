//! What a plan holds for tables that are the same, gone, renamed, new or changed.

use super::*;
use crate::Value;
use crate::schema::Action;
use crate::schema::{Default, ForeignKeyDef, IndexDef, TableColumn};
use crate::types::{ColumnType, EnumDef};
use std::sync::Arc;

/// A database that sees tables as they are described.
struct Plain {
    rebuilds: bool,
}

impl Ways for Plain {
    fn rebuilds(&self) -> bool {
        self.rebuilds
    }

    fn enum_types(&self) -> bool {
        !self.rebuilds
    }

    fn keys_have_indexes(&self) -> bool {
        false
    }

    fn renames_constraints(&self) -> bool {
        !self.rebuilds
    }

    fn is_strict(&self) -> bool {
        !self.rebuilds
    }

    fn physical(&self, table: &TableDef) -> Result<TableDef> {
        let mut seen = table.clone();
        for column in &mut seen.columns {
            let enum_name = super::super::description::enum_of(&column.ty).map(|one| one.name.to_string());
            column.db_type = Some(enum_name.unwrap_or_else(|| format!("{:?}", column.ty)).into());
            column.renamed_from = None;
            column.default = match &column.default {
                Default::Value(value) => Default::Db(format!("{value:?}").into()),
                other => other.clone(),
            };
        }
        seen.indexes.iter_mut().for_each(|index| index.name = Some(index.name_in(&table.name)));
        seen.foreign_keys.iter_mut().for_each(|key| key.name = Some(key.name_in(&table.name)));
        Ok(seen)
    }

    fn query(&self, query: &str) -> String {
        query.to_owned()
    }
}

const ALTER: Plain = Plain { rebuilds: false };
const REBUILD: Plain = Plain { rebuilds: true };

fn changes(from: &[TableDef], to: &[TableDef], renames: &Renames, ways: Plain) -> Result<Vec<Change>> {
    let whole = |tables: &[TableDef]| Schema { enums: crate::schema::enums(tables), tables: tables.to_vec(), ..Schema::default() };
    diff(&whole(from), &whole(to), renames, &Asked::default(), &ways)
}

fn column(name: &'static str, ty: ColumnType) -> TableColumn {
    let name = Name::Borrowed(name);
    TableColumn::new(name, ty)
}

fn table(name: &'static str, columns: Vec<TableColumn>) -> TableDef {
    let primary_key = vec![Name::Borrowed("id")];
    let columns = [vec![column("id", ColumnType::I64)], columns].concat();
    TableDef { columns, primary_key, ..TableDef::new(TableName::new(name)) }
}

fn key(columns: &'static str, table: &'static str) -> ForeignKeyDef {
    ForeignKeyDef {
        name: None,
        columns: vec![columns.into()],
        table: TableName::new(table),
        target: vec!["id".into()],
        on_delete: Some(Action::Cascade),
        on_update: None,
        deferrable: None,
    }
}

/// The kinds of changes, in order.
fn kinds(from: &[TableDef], to: &[TableDef], renames: &Renames, ways: Plain) -> Vec<String> {
    let word = |change: &Change| format!("{:?}", change.ddl).split([' ', '{']).next().unwrap_or_default().to_owned();
    changes(from, to, renames, ways).unwrap().iter().map(word).collect()
}

fn color(labels: &[&'static str]) -> ColumnType {
    ColumnType::Enum(Arc::new(EnumDef { name: "color".into(), labels: labels.iter().map(|label| Name::Borrowed(label)).collect() }))
}

#[test]
fn the_same_tables_need_nothing() {
    let one = vec![table("users", vec![column("name", ColumnType::Text)])];
    for ways in [ALTER, REBUILD] {
        assert!(kinds(&one, &one, &Renames::default(), ways).is_empty());
    }
}

#[test]
fn what_is_gone_is_dropped_and_named() {
    let old = vec![table("users", vec![column("age", ColumnType::I32)]), table("posts", vec![])];
    let new = vec![table("users", vec![])];
    let lost: Vec<String> =
        changes(&old, &new, &Renames::default(), ALTER).unwrap().into_iter().filter_map(|change| change.loses).collect();
    assert_eq!(lost, ["table posts", "column users.age"]);
    assert_eq!(kinds(&old, &new, &Renames::default(), REBUILD), ["DropTable", "RebuildTable"]);
}

#[test]
fn a_declared_rename_loses_nothing() {
    let mut old = table("users", vec![column("name", ColumnType::Text)]);
    old.indexes.push(IndexDef { name: Some("by_name".into()), ..IndexDef::on(["name"]) });
    let mut new = table("people", vec![column("label", ColumnType::Text)]);
    new.indexes.push(IndexDef { name: Some("by_name".into()), ..IndexDef::on(["label"]) });
    let renames = Renames {
        tables: vec![("users".into(), "people".into())],
        columns: vec![("people".into(), "name".into(), "label".into())],
        ..Renames::default()
    };
    for ways in [ALTER, REBUILD] {
        assert_eq!(kinds(&[old.clone()], &[new.clone()], &renames, ways), ["RenameTable", "RenameColumn"]);
    }
    assert!(kinds(&[old], &[new], &Renames::default(), ALTER).contains(&"DropTable".to_owned()));
}

#[test]
fn what_has_its_name_from_the_table_changes_its_name_with_it() {
    let mut old = table("users", vec![column("name", ColumnType::Text), column("boss_id", ColumnType::I64)]);
    old.indexes.push(IndexDef { unique: true, constraint: true, ..IndexDef::on(["name"]) });
    old.foreign_keys.push(key("boss_id", "users"));
    let mut new = TableDef { name: TableName::new("people"), ..old.clone() };
    new.foreign_keys[0].table = TableName::new("people");
    let renames = Renames { tables: vec![("users".into(), "people".into())], ..Renames::default() };
    assert_eq!(kinds(&[old.clone()], &[new.clone()], &renames, ALTER), ["RenameTable", "RenameIndex", "RenameConstraint"]);
    // A name that another index has is not given while that one has it.
    let mut other = table("pets", vec![column("name", ColumnType::Text)]);
    other.indexes.push(IndexDef { name: Some("people_name_key".into()), ..IndexDef::on(["name"]) });
    let found = kinds(&[old, other.clone()], &[new, other], &renames, ALTER);
    assert!(found.contains(&"DropIndex".to_owned()) && !found.contains(&"RenameIndex".to_owned()), "{found:?}");
}

#[test]
fn keys_that_close_a_cycle_come_last() {
    let mut one = table("one", vec![column("two_id", ColumnType::I64)]);
    one.foreign_keys.push(key("two_id", "two"));
    let mut two = table("two", vec![column("one_id", ColumnType::I64)]);
    two.foreign_keys.push(key("one_id", "one"));
    let both = [one, two];
    assert_eq!(kinds(&[], &both, &Renames::default(), ALTER), ["CreateTable", "CreateTable", "AddForeignKey"]);
    assert_eq!(kinds(&[], &both, &Renames::default(), REBUILD), ["CreateTable", "CreateTable"]);
}

#[test]
fn columns_change_in_place_or_with_their_table() {
    let old = [table("users", vec![column("age", ColumnType::I32)])];
    let wider = [table("users", vec![column("age", ColumnType::I64)])];
    assert_eq!(kinds(&old, &wider, &Renames::default(), ALTER), ["AlterColumn"]);
    assert_eq!(kinds(&old, &wider, &Renames::default(), REBUILD), ["RebuildTable"]);
    let mut more = old.clone();
    more[0].columns.push(TableColumn { nullable: false, default: Default::Value(Value::I64(0)), ..column("score", ColumnType::I32) });
    assert_eq!(kinds(&old, &more, &Renames::default(), REBUILD), ["AddColumn"]);
    more[0].columns.push(TableColumn { nullable: false, ..column("must", ColumnType::I32) });
    assert_eq!(kinds(&old, &more, &Renames::default(), REBUILD), ["RebuildTable"]);
    let mut keyed = old.clone();
    keyed[0].foreign_keys.push(key("age", "users"));
    assert_eq!(kinds(&old, &keyed, &Renames::default(), ALTER), ["AddForeignKey"]);
    assert_eq!(kinds(&keyed, &old, &Renames::default(), ALTER), ["DropConstraint"]);
    assert_eq!(kinds(&old, &keyed, &Renames::default(), REBUILD), ["RebuildTable"]);
}

#[test]
fn labels_are_added_in_place_and_others_make_the_type_anew() {
    let with = |labels: &[&'static str]| [table("cars", vec![column("color", color(labels))])];
    let (old, new) = (with(&["red", "blue"]), with(&["red", "green", "blue"]));
    assert_eq!(kinds(&[], &old, &Renames::default(), ALTER)[0], "CreateEnum");
    assert_eq!(kinds(&old, &new, &Renames::default(), ALTER)[0], "AddEnumLabel");
    assert_eq!(kinds(&old, &[], &Renames::default(), ALTER), ["DropTable", "DropEnum"]);
    assert_eq!(kinds(&new, &old, &Renames::default(), ALTER), ["ReplaceEnum", "DropEnum"]);
    let lost = changes(&new, &old, &Renames::default(), ALTER).unwrap().remove(0).loses;
    assert_eq!(lost.as_deref(), Some("label green of the enum color"));
    let renames = Renames { labels: vec![("color".into(), "red".into(), "crimson".into())], ..Renames::default() };
    assert_eq!(kinds(&old, &with(&["crimson", "blue"]), &renames, ALTER), ["RenameEnumLabel"]);
}

#[test]
fn another_primary_key_is_made() {
    let old = [table("users", vec![])];
    let mut new = old.clone();
    new[0].primary_key.clear();
    assert_eq!(kinds(&old, &new, &Renames::default(), ALTER), ["ChangePrimaryKey"]);
    assert_eq!(kinds(&old, &new, &Renames::default(), REBUILD), ["RebuildTable"]);
}

#[test]
fn a_type_that_values_may_not_fit_is_refused_unless_asked() {
    let old = [table("users", vec![column("age", ColumnType::I64)])];
    let new = [table("users", vec![column("age", ColumnType::I32)])];
    let error = changes(&old, &new, &Renames::default(), ALTER).unwrap_err().to_string();
    assert!(error.contains("users.age changes from I64 to I32") && error.contains("--cast users.age"), "{error}");
    let whole = |tables: &[TableDef]| Schema { tables: tables.to_vec(), ..Schema::default() };
    let asked = Asked { casts: vec![("users".into(), "age".into())], ..Asked::default() };
    assert_eq!(diff(&whole(&old), &whole(&new), &Renames::default(), &asked, &ALTER).unwrap().len(), 1);
}

#[test]
fn a_snapshot_reads_back_as_it_was() {
    let mut users =
        table("users", vec![column("color", color(&["red", "blue"])), column("tags", ColumnType::Array(Box::new(ColumnType::Text)))]);
    users.columns[1].default = Default::Value(Value::Text("red".into()));
    users.columns[0].auto_increment = true;
    users.indexes.push(IndexDef { unique: true, filter: Some("color IS NOT NULL".into()), ..IndexDef::on(["color"]) });
    users.checks.push(crate::schema::CheckDef { name: "c".into(), expression: "id > 0".into() });
    let mut posts = table("posts", vec![column("user_id", ColumnType::I64)]);
    posts.foreign_keys.push(key("user_id", "users"));
    let schema = Schema { enums: crate::schema::enums(&[users.clone()]), tables: vec![users, posts], ..Schema::default() };
    let read = Schema::from_json(&schema.to_json()).unwrap();
    assert_eq!(read.to_json(), schema.to_json());
    assert!(diff(&schema, &read, &Renames::default(), &Asked::default(), &ALTER).unwrap().is_empty());
    assert!(Schema::from_json(&serde_json::json!({ "version": 9 })).is_err());
}
