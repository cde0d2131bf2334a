//! What a plan holds for tables that are the same, gone, renamed, new or changed.

use super::*;
use crate::Value;
use crate::schema::Action;

const ALTER: Ways = Ways { rebuilds: false, enum_types: true };
const REBUILD: Ways = Ways { rebuilds: true, enum_types: false };

fn column(name: &'static str, ty: ColumnType) -> TableColumn {
    let name = Name::Borrowed(name);
    let default = Default::None;
    TableColumn { ..TableColumn::new(name, ty) }
}

fn table(name: &'static str, columns: Vec<TableColumn>) -> TableDef {
    let primary_key = vec![Name::Borrowed("id")];
    TableDef {
        name: TableName::new(name),
        columns: [vec![column("id", ColumnType::I64)], columns].concat(),
        primary_key,
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        checks: Vec::new(),
        comment: None,
    }
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
fn kinds(from: &[TableDef], to: &[TableDef], renames: &Renames, ways: Ways) -> Vec<String> {
    let word = |change: &Change| format!("{:?}", change.ddl).split([' ', '{']).next().unwrap_or_default().to_owned();
    diff(from, to, renames, ways).unwrap().iter().map(word).collect()
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
    let changes = diff(&old, &new, &Renames::default(), ALTER).unwrap();
    let lost: Vec<String> = changes.into_iter().filter_map(|change| change.loses).collect();
    assert_eq!(lost, ["column users.age", "table posts"]);
    assert_eq!(kinds(&old, &new, &Renames::default(), REBUILD), ["RebuildTable", "DropTable"]);
}

#[test]
fn a_declared_rename_loses_nothing() {
    let mut old = table("users", vec![column("name", ColumnType::Text)]);
    old.indexes.push(IndexDef { name: Some("by_name".into()), ..IndexDef::on(["name"]) });
    let mut new = table("people", vec![column("label", ColumnType::Text)]);
    new.indexes.push(IndexDef { name: Some("by_name".into()), ..IndexDef::on(["label"]) });
    let renames =
        Renames { tables: vec![("users".into(), "people".into())], columns: vec![("people".into(), "name".into(), "label".into())] };
    for ways in [ALTER, REBUILD] {
        assert_eq!(kinds(&[old.clone()], &[new.clone()], &renames, ways), ["RenameTable", "RenameColumn"]);
    }
    assert!(kinds(&[old], &[new], &Renames::default(), ALTER).contains(&"DropTable".to_owned()));
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
fn labels_are_added_in_place_and_never_removed_unasked() {
    let with = |labels: &[&'static str]| [table("cars", vec![column("color", color(labels))])];
    let (old, new) = (with(&["red", "blue"]), with(&["red", "green", "blue"]));
    assert_eq!(kinds(&[], &old, &Renames::default(), ALTER)[0], "CreateEnum");
    assert_eq!(kinds(&old, &new, &Renames::default(), ALTER)[0], "AddEnumLabel");
    assert_eq!(kinds(&old, &[], &Renames::default(), ALTER), ["DropTable", "DropEnum"]);
    assert!(diff(&new, &old, &Renames::default(), ALTER).is_err());
}

#[test]
fn another_primary_key_is_for_the_developer() {
    let old = [table("users", vec![])];
    let mut new = old.clone();
    new[0].primary_key.clear();
    assert!(diff(&old, &new, &Renames::default(), ALTER).is_err());
    assert_eq!(kinds(&old, &new, &Renames::default(), REBUILD), ["RebuildTable"]);
}
