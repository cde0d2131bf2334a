//! SQLite's schema table, its pragmas, and the texts of its tables.

use super::search;
use super::sqlite_text::{self, TableText};
use super::types::{column_type, labels_of};
use super::{Answers, Tables, add_part};
use crate::Dialect;
use sequor_core::Name;
use sequor_core::schema::{
    Action, Default, ForeignKeyDef, Generated, IndexDef, IndexPart, OpaqueDef, OpaqueKind, Schema, SortDirection, TableColumn, TableDef,
    TableName, ViewDef,
};
use sequor_core::types::{ColumnType, EnumDef};
use std::collections::HashMap;
use std::sync::Arc;

/// Everything with its text, columns, indexes, foreign keys.
pub(super) const QUERIES: [&str; 4] = [
    "SELECT CASE WHEN sql LIKE 'CREATE VIRTUAL TABLE % USING fts5(%, content=%' THEN 'search' ELSE type END, name, tbl_name, sql FROM sqlite_master \
     WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND (sql LIKE 'CREATE VIRTUAL TABLE % USING fts5(%, content=%' \
     OR (tbl_name NOT IN (SELECT name FROM pragma_table_list WHERE type IN ('virtual', 'shadow')) AND ? IS NOT NULL AND ? IN ('', tbl_name))) ORDER BY rowid",
    "SELECT m.name, x.name, x.type, CASE WHEN x.\"notnull\" THEN '1' ELSE '0' END, x.dflt_value, CAST(x.pk AS TEXT), CAST(x.hidden AS TEXT) \
     FROM sqlite_master m JOIN pragma_table_xinfo(m.name) x WHERE m.type = 'table' AND x.hidden <> 1 AND ? IS NOT NULL AND ? IN ('', m.name) ORDER BY m.rowid, x.cid",
    "SELECT m.name, l.name, CAST(l.\"unique\" AS TEXT), l.origin, i.name, CAST(i.\"desc\" AS TEXT), i.coll \
     FROM sqlite_master m JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) i ON i.key = 1 \
     WHERE m.type = 'table' AND l.origin <> 'pk' AND ? IS NOT NULL AND ? IN ('', m.name) ORDER BY m.rowid, l.name, i.seqno",
    "SELECT m.name, CAST(f.id AS TEXT), f.\"table\", f.\"from\", f.\"to\", f.on_delete, f.on_update \
     FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND ? IS NOT NULL AND ? IN ('', m.name) ORDER BY m.rowid, f.id DESC, f.seq",
];

/// A name without the tenant before it; `None` for one of somebody else.
fn own<'n>(name: &'n str, schema: Option<&str>) -> Option<&'n str> {
    match schema {
        Some(schema) => name.strip_prefix(schema)?.strip_prefix('.'),
        None => Some(name),
    }
}

pub(super) fn assemble(answers: &mut Answers, schema: Option<&str>, qualified: Option<&str>) -> Schema {
    let place = qualified.map(|schema| Name::Owned(schema.to_owned()));
    let named = |name: &str| TableName { schema: place.clone(), name: Name::Owned(name.to_owned()) };
    let mut made = Schema::default();
    let (mut tables, mut texts, mut indexes, mut searches) = (Tables::new(), HashMap::new(), HashMap::new(), Vec::new());
    for row in answers.next() {
        let (kind, known, text) = (row.text(0), row.text(1), row.text(3));
        match (kind, own(known, schema)) {
            ("table", Some(name)) => {
                tables.add(known, TableDef::new(named(name)));
                texts.insert(known.to_owned(), sqlite_text::read(text));
            }
            ("index", _) => {
                indexes.insert(known.to_owned(), text.to_owned());
            }
            ("search", Some(name)) => searches.extend(search::read_table(name, text)),
            ("view", Some(name)) => made.views.push(ViewDef::new(named(name), Name::Owned(view_query(text).to_owned()))),
            ("trigger", _) => made.others.push(OpaqueDef {
                kind: OpaqueKind::Trigger,
                name: Name::Owned(known.to_owned()),
                table: row.comment(2),
                text: Name::Owned(text.to_owned()),
            }),
            _ => {}
        }
    }
    columns(answers, &mut tables, &texts);
    read_indexes(answers, &mut tables, &texts, &indexes, schema);
    keys(answers, &mut tables, &texts, schema, &named);
    for (known, text) in texts {
        if let Some(table) = tables.get(&known) {
            table.checks = text.checks;
            table.options = text.options;
        }
    }
    for (rows, index) in searches {
        let Some(table) = tables.get(&rows) else { continue };
        // Its triggers are a part of it.
        let own = index.name.clone().unwrap_or_default();
        let belongs = |name: &str| {
            ["_insert", "_delete", "_update"].iter().any(|event| name.strip_suffix(event).is_some_and(|name| name.ends_with(&*own)))
        };
        made.others
            .retain(|other| other.kind != OpaqueKind::Trigger || other.table.as_deref() != Some(rows.as_str()) || !belongs(&other.name));
        table.indexes.push(index);
    }
    made.tables = tables.tables;
    made
}

fn view_query(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let place = lower.split_once(" as ").map(|(before, _)| before.len() + 4).or_else(|| lower.find(" as\n").map(|place| place + 4));
    place.and_then(|place| text.get(place..)).unwrap_or(text).trim()
}

/// The type that a column's own check tells: labels of an enum, truth values, JSON.
fn meant(column: &str, ty: &ColumnType, check: &str) -> Option<ColumnType> {
    let made = super::canonical(check);
    let column = format!("[{}]", column.to_lowercase());
    if *ty == ColumnType::I64 && made == format!("in({column}, 0, 1)") {
        return Some(ColumnType::Bool);
    }
    if *ty == ColumnType::Text && made == format!("json_valid({column})") {
        return Some(ColumnType::Json(false));
    }
    let listed = made.starts_with(&format!("in({column}, '")) || made.starts_with(&format!("=({column}, '"));
    if *ty == ColumnType::Text && listed {
        let definition = EnumDef { name: Name::Borrowed(""), labels: labels_of(check) };
        return Some(ColumnType::Enum(Arc::new(definition)));
    }
    None
}

fn columns(answers: &mut Answers, tables: &mut Tables, texts: &HashMap<String, TableText>) {
    let mut keys: HashMap<String, Vec<(u32, Name)>> = HashMap::new();
    for row in answers.next() {
        let Some(table) = tables.get(row.text(0)) else { continue };
        let text = texts.get(row.text(0));
        let told = text.and_then(|text| text.columns.iter().find(|column| column.name.eq_ignore_ascii_case(row.text(1))));
        let collation = told.and_then(|told| told.collation.as_ref());
        let spelt = collation.map_or_else(|| row.text(2).to_owned(), |collation| format!("{} COLLATE {collation}", row.text(2)));
        let key: u32 = row.text(5).parse().unwrap_or(0);
        if key > 0 {
            keys.entry(row.text(0).to_owned()).or_default().push((key, row.name(1)));
        }
        let generated = matches!(row.text(6), "2" | "3").then(|| told.and_then(|told| told.generated.clone())).flatten();
        let ty = column_type(Dialect::Sqlite, &spelt, &|_| None);
        let check = told.and_then(|told| told.check.clone());
        let key_conflict = text.and_then(|text| text.key_conflict.as_ref()).filter(|_| key == 1);
        table.columns.push(TableColumn {
            ty: check.as_ref().and_then(|check| meant(row.text(1), &ty, check)).unwrap_or(ty),
            db_type: Some(spelt.into()),
            nullable: !row.flag(3),
            auto_increment: key > 0 && text.is_some_and(|text| text.counts),
            default: row.comment(4).filter(|text| !text.eq_ignore_ascii_case("null")).map_or(Default::None, Default::Db),
            generated: generated.map(|one| Generated { stored: row.text(6) == "3", ..one }),
            check,
            extra: conflicts(told.and_then(|told| told.conflict.as_deref()), key_conflict.map(String::as_str)),
            ..TableColumn::new(row.name(1), ColumnType::Text)
        });
    }
    for (table, mut key) in keys {
        key.sort_by_key(|(place, _)| *place);
        if let Some(table) = tables.get(&table) {
            table.primary_key = key.into_iter().map(|(_, name)| name).collect();
        }
    }
}

/// What happens to rows that break NOT NULL or the primary key, which stands with its first column.
fn conflicts(null: Option<&str>, key: Option<&str>) -> Option<Name> {
    let null = null.map(|action| format!("NOT NULL ON CONFLICT {action}"));
    let key = key.map(|action| format!("PRIMARY KEY ON CONFLICT {action}"));
    let said: Vec<String> = null.into_iter().chain(key).collect();
    (!said.is_empty()).then(|| Name::Owned(said.join(", ")))
}

fn read_indexes(
    answers: &mut Answers,
    tables: &mut Tables,
    texts: &HashMap<String, TableText>,
    indexes: &HashMap<String, String>,
    schema: Option<&str>,
) {
    for row in answers.next() {
        let Some(table) = tables.get(row.text(0)) else { continue };
        let known = row.text(1);
        let made = indexes.get(known).map(|text| sqlite_text::read_index(text)).unwrap_or_default();
        let name = own(known, schema).unwrap_or(known);
        let place = table.indexes.iter().find(|index| index.name.as_deref() == Some(name)).map_or(0, |index| index.parts.len());
        let part = IndexPart {
            column: row.comment(4),
            expression: if row.get(4).is_none() { made.parts.get(place).cloned().map(Name::Owned) } else { None },
            direction: row.flag(5).then_some(SortDirection::Descending),
            collation: row.comment(6).filter(|named| collation_of(table, texts.get(row.text(0)), row.get(4)) != named.to_lowercase()),
            ..IndexPart::default()
        };
        let constraint = row.text(3) == "u";
        add_part(table, name, part, || IndexDef {
            unique: row.flag(2),
            constraint,
            filter: made.filter.map(Name::Owned),
            ..IndexDef::default()
        });
    }
    for (known, text) in texts {
        let Some(table) = tables.get(known) else { continue };
        for index in table.indexes.iter_mut().filter(|index| index.constraint) {
            let columns: Vec<&Name> = index.parts.iter().filter_map(|part| part.column.as_ref()).collect();
            let Some(told) = text.uniques.iter().find(|told| told.columns.iter().collect::<Vec<_>>() == columns) else { continue };
            if let Some(name) = &told.name {
                index.name = Some(name.clone());
            }
            index.extra = told.conflict.as_ref().map(|action| Name::Owned(format!("ON CONFLICT {action}")));
        }
    }
}

/// The collation that a column sorts by unless told otherwise.
fn collation_of(table: &TableDef, text: Option<&TableText>, column: Option<&str>) -> String {
    let column = column.filter(|column| table.column(column).is_some());
    let told = text.zip(column).and_then(|(text, column)| text.columns.iter().find(|told| told.name.eq_ignore_ascii_case(column)));
    told.and_then(|told| told.collation.as_deref()).unwrap_or("binary").to_lowercase()
}

fn keys(
    answers: &mut Answers,
    tables: &mut Tables,
    texts: &HashMap<String, TableText>,
    schema: Option<&str>,
    named: &dyn Fn(&str) -> TableName,
) {
    let mut last = (String::new(), String::new());
    for row in answers.next() {
        let key = (row.text(0).to_owned(), row.text(1).to_owned());
        let target_key = own(row.text(2), schema).and_then(|_| tables.get(row.text(2))).map(|table| table.primary_key.clone());
        let Some(table) = tables.get(row.text(0)) else { continue };
        if key == last
            && let Some(known) = table.foreign_keys.last_mut()
        {
            known.columns.push(row.name(3));
            known.target.extend(row.get(4).map(|name| Name::Owned(name.to_owned())));
        } else {
            table.foreign_keys.push(ForeignKeyDef {
                name: None,
                columns: vec![row.name(3)],
                table: own(row.text(2), schema).map_or_else(|| TableName::new(row.text(2).to_owned()), named),
                target: row.get(4).map_or_else(|| target_key.unwrap_or_default(), |name| vec![Name::Owned(name.to_owned())]),
                on_delete: Action::parse(row.text(5)),
                on_update: Action::parse(row.text(6)),
                deferrable: None,
            });
        }
        last = key;
    }
    for (known, text) in texts {
        let Some(table) = tables.get(known) else { continue };
        for key in &mut table.foreign_keys {
            let same = |told: &&sqlite_text::KeyText| {
                told.columns.len() == key.columns.len()
                    && told.columns.iter().zip(&key.columns).all(|(one, other)| one.eq_ignore_ascii_case(other))
            };
            if let Some(told) = text.keys.iter().find(same) {
                key.name = told.name.clone();
                key.deferrable = told.deferrable;
            }
        }
    }
}
