//! MySQL's and MariaDB's `information_schema`.

use super::postgres::others;
use super::types::{canonical_type, column_type};
use super::{Answers, CatalogRow, Cells, Tables, add_part, named};
use crate::Dialect;
use sequor_core::Name;
use sequor_core::schema::{
    Action, CheckDef, Default, ForeignKeyDef, Generated, IndexDef, IndexPart, OpaqueDef, OpaqueKind, Schema, SortDirection, TableColumn,
    TableDef, TableName, ViewDef,
};
use sequor_core::types::ColumnType;

const TABLES: &str = "SELECT table_name, table_comment, table_schema, engine, table_collation FROM information_schema.tables WHERE table_type = 'BASE TABLE' \
     AND table_schema = coalesce(nullif(?, ''), DATABASE()) AND ? IN ('', table_name) ORDER BY 1";
const COLUMNS: &str = "SELECT table_name, column_name, column_type, CASE WHEN is_nullable = 'YES' THEN '1' ELSE '0' END, column_default, extra, generation_expression, \
     column_comment, character_set_name, collation_name FROM information_schema.columns WHERE table_schema = coalesce(nullif(?, ''), DATABASE()) AND ? IN ('', table_name) \
     ORDER BY table_name, ordinal_position";
const KEYS: &str = "SELECT table_name, constraint_name, column_name, referenced_table_schema, referenced_table_name, referenced_column_name, table_schema \
     FROM information_schema.key_column_usage WHERE table_schema = coalesce(nullif(?, ''), DATABASE()) AND ? IN ('', table_name) \
     AND (constraint_name = 'PRIMARY' OR referenced_table_name IS NOT NULL) ORDER BY table_name, constraint_name, ordinal_position";
/// Not joined to the keys: the server makes both tables from the files of every table, each once this way.
const ACTIONS: &str = "SELECT table_name, constraint_name, delete_rule, update_rule FROM information_schema.referential_constraints \
     WHERE constraint_schema = coalesce(nullif(?, ''), DATABASE()) AND ? IN ('', table_name)";
const DEFAULTS: &str = "SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = coalesce(nullif(?, ''), DATABASE()) AND ? IS NOT NULL";
const VIEWS: &str = "SELECT table_name, view_definition, table_schema FROM information_schema.views WHERE table_schema = coalesce(nullif(?, ''), DATABASE()) AND ? = '' ORDER BY 1";
const TRIGGERS: &str = "SELECT 'trigger', trigger_name, event_object_table, concat(action_timing, ' ', event_manipulation, ' ', action_statement) \
     FROM information_schema.triggers WHERE trigger_schema = coalesce(nullif(?, ''), DATABASE()) AND ? IN ('', event_object_table) ORDER BY 2";

const ROUTINES: &str = "SELECT 'function', r.routine_name, NULL, concat(r.routine_type, ' (', coalesce((SELECT group_concat(CASE r.routine_type WHEN 'PROCEDURE' \
     THEN concat(p.parameter_mode, ' ') ELSE '' END, '`', p.parameter_name, '` ', p.dtd_identifier ORDER BY p.ordinal_position SEPARATOR ', ') FROM information_schema.parameters p \
     WHERE p.specific_schema = r.routine_schema AND p.specific_name = r.specific_name AND p.routine_type = r.routine_type AND p.ordinal_position > 0), ''), ')', \
     CASE r.routine_type WHEN 'FUNCTION' THEN concat(' RETURNS ', r.dtd_identifier) ELSE '' END, CASE r.is_deterministic WHEN 'YES' THEN ' DETERMINISTIC' ELSE '' END, ' ', \
     r.sql_data_access, CASE r.security_type WHEN 'INVOKER' THEN ' SQL SECURITY INVOKER' ELSE '' END, char(10), r.routine_definition) \
     FROM information_schema.routines r WHERE r.routine_schema = coalesce(nullif(?, ''), DATABASE()) AND ? = '' AND r.routine_type IN ('FUNCTION', 'PROCEDURE') \
     AND r.routine_definition IS NOT NULL ORDER BY 2";
/// Where they are kept among the answers.
const SEQUENCES: usize = 10;

/// Tables, columns, keys, what keys do, checks, indexes, views, triggers, the database's own defaults, functions, sequences.
pub(super) const MARIADB: [&str; 11] = [
    TABLES,
    COLUMNS,
    KEYS,
    ACTIONS,
    "SELECT table_name, constraint_name, check_clause, level FROM information_schema.check_constraints \
     WHERE constraint_schema = coalesce(nullif(?, ''), DATABASE()) AND ? IN ('', table_name) ORDER BY 1, 2",
    "SELECT table_name, index_name, CASE WHEN non_unique = 0 THEN '1' ELSE '0' END, column_name, collation, sub_part, index_type, NULL \
     FROM information_schema.statistics WHERE table_schema = coalesce(nullif(?, ''), DATABASE()) AND ? IN ('', table_name) AND index_name <> 'PRIMARY' \
     ORDER BY table_name, index_name, seq_in_index",
    VIEWS,
    TRIGGERS,
    DEFAULTS,
    ROUTINES,
    "SELECT table_name, table_schema FROM information_schema.tables WHERE table_type = 'SEQUENCE' AND table_schema = coalesce(nullif(?, ''), DATABASE()) AND ? = '' ORDER BY 1",
];

/// MySQL's checks are named per schema, and its indexes may hold expressions.
pub(super) const MYSQL: [&str; 10] = [
    TABLES,
    COLUMNS,
    KEYS,
    ACTIONS,
    "SELECT t.table_name, c.constraint_name, c.check_clause, 'Table' FROM information_schema.table_constraints t \
     JOIN information_schema.check_constraints c ON c.constraint_schema = t.constraint_schema AND c.constraint_name = t.constraint_name \
     WHERE t.constraint_type = 'CHECK' AND t.table_schema = coalesce(nullif(?, ''), DATABASE()) AND ? IN ('', t.table_name) ORDER BY 1, 2",
    "SELECT table_name, index_name, CASE WHEN non_unique = 0 THEN '1' ELSE '0' END, column_name, collation, sub_part, index_type, expression \
     FROM information_schema.statistics WHERE table_schema = coalesce(nullif(?, ''), DATABASE()) AND ? IN ('', table_name) AND index_name <> 'PRIMARY' \
     ORDER BY table_name, index_name, seq_in_index",
    VIEWS,
    TRIGGERS,
    DEFAULTS,
    ROUTINES,
];

/// The query for the numbers of MariaDB's sequences, which are their own tables; one for all.
pub(super) fn sequences(rows: &[Vec<CatalogRow>]) -> Option<String> {
    let quoted = |name: Option<&Option<String>>| format!("`{}`", name.cloned().flatten().unwrap_or_default().replace('`', "``"));
    let one = |row: &CatalogRow| {
        format!(
            "SELECT concat('START WITH ', start_value, ' MINVALUE ', minimum_value, ' MAXVALUE ', maximum_value, ' INCREMENT BY ', increment, ' CACHE ', cache_size, \
             CASE cycle_option WHEN 0 THEN '' ELSE ' CYCLE' END) FROM {}.{}",
            quoted(row.get(1)),
            quoted(row.first())
        )
    };
    let asked: Vec<String> = rows.get(SEQUENCES)?.iter().map(one).collect();
    (!asked.is_empty()).then(|| asked.join(" UNION ALL "))
}

pub(super) fn assemble(answers: &mut Answers, schema: Option<&str>, dialect: Dialect) -> Schema {
    let (mut tables, mut stored) = (Tables::new(), Vec::new());
    for row in answers.next() {
        let name = TableName { schema: schema.map(|schema| Name::Owned(schema.to_owned())), name: row.name(0) };
        tables.add(row.text(0), TableDef { comment: row.comment(1), ..TableDef::new(name) });
        stored.push((row.text(0).to_owned(), row.comment(3), row.comment(4)));
    }
    for row in answers.next() {
        if let Some(table) = tables.get(row.text(0)) {
            let collation = stored.iter().find(|(known, ..)| known == row.text(0)).and_then(|(.., collation)| collation.clone());
            table.columns.push(column(&row, dialect, collation.as_deref()));
        }
    }
    for row in answers.next() {
        if let Some(table) = tables.get(row.text(0)) {
            key(table, &row, schema);
        }
    }
    for row in answers.next() {
        if let Some(table) = tables.get(row.text(0)) {
            actions(table, &row);
        }
    }
    for row in answers.next() {
        if let Some(table) = tables.get(row.text(0)) {
            check(table, &row, dialect);
        }
    }
    for row in answers.next() {
        if let Some(table) = tables.get(row.text(0)) {
            index(table, &row, dialect);
        }
    }
    tables.tables.iter_mut().for_each(fold_markers);
    let view = |row: Cells| {
        let name = TableName { schema: schema.map(|schema| Name::Owned(schema.to_owned())), name: row.name(0) };
        ViewDef::new(name, row.name(1))
    };
    let views = answers.next().into_iter().map(view).collect();
    let mut beside = others(&answers.next());
    let usual = answers.next().first().and_then(|row| row.comment(0));
    beside.extend(others(&answers.next()));
    let numbers = answers.next();
    beside.extend(numbers.iter().zip(answers.next()).map(|(row, numbers)| OpaqueDef {
        kind: OpaqueKind::Sequence,
        name: row.name(0),
        table: None,
        text: numbers.name(0),
    }));
    for (known, engine, collation) in stored {
        if let Some(table) = tables.get(&known) {
            table.options = options(engine.as_deref(), collation.as_deref().filter(|_| collation != usual));
        }
    }
    Schema { tables: tables.tables, enums: Vec::new(), views, others: beside }
}

/// What is not as usual of a table: another engine than InnoDB, another collation than the database's.
fn options(engine: Option<&str>, collation: Option<&str>) -> Option<Name> {
    let engine = engine.filter(|engine| !engine.eq_ignore_ascii_case("InnoDB")).map(|engine| format!("ENGINE={engine}"));
    let collation = collation.map(|collation| format!("COLLATE={collation}"));
    let said: Vec<String> = engine.into_iter().chain(collation).collect();
    (!said.is_empty()).then(|| Name::Owned(said.join(" ")))
}

/// What is not as usual of a column: another character set or collation than its table's, a value at each update.
fn own_words(row: &Cells, extra: &str, collation: Option<&str>) -> Option<Name> {
    let mut said = Vec::new();
    if let (Some(set), Some(own)) = (row.get(8), row.get(9).filter(|own| Some(*own) != collation)) {
        said.push(format!("CHARACTER SET {set} COLLATE {own}"));
    }
    if let Some(place) = extra.find("on update ") {
        said.push(format!("ON UPDATE {}", extra[place + 10..].split(' ').next().unwrap_or_default()));
    }
    if extra.split([' ', ',']).any(|word| word == "invisible") {
        said.push("INVISIBLE".to_owned());
    }
    (!said.is_empty()).then(|| Name::Owned(said.join(" ")))
}

fn column(row: &Cells, dialect: Dialect, collation: Option<&str>) -> TableColumn {
    let spelt = row.text(2);
    let extra = row.text(5).to_lowercase();
    let expression = row.comment(6).map(|text| written(dialect, &text));
    let stored = extra.contains("stored") || extra.contains("persistent");
    let generated = expression.map(|expression| Generated { expression, stored });
    let default = match row.get(4).filter(|text| !text.eq_ignore_ascii_case("null") && generated.is_none()) {
        // MySQL tells a literal without its quotes, and bits with them.
        Some(text) if dialect == Dialect::Mysql && !extra.contains("default_generated") && !is_number(spelt, text) => {
            Default::Db(format!("'{}'", text.replace('\'', "''")).into())
        }
        Some(text) if dialect == Dialect::Mysql && text.starts_with("b'") => Default::Db(bits(text)),
        Some(text) => Default::Db(if extra.contains("default_generated") { written(dialect, text) } else { Name::Owned(text.to_owned()) }),
        None => Default::None,
    };
    TableColumn {
        db_type: Some(Name::Owned(spelt.to_owned())),
        nullable: row.flag(3),
        auto_increment: extra.contains("auto_increment"),
        default,
        generated,
        comment: row.comment(7),
        extra: own_words(row, &extra, collation),
        ..TableColumn::new(row.name(1), column_type(dialect, spelt, &|_| None))
    }
}

/// An expression as somebody would write it. MySQL keeps it with the character set before each text (`_utf8mb4'it\'s'`), and escapes that once more where it shows it.
fn written(dialect: Dialect, text: &str) -> Name {
    if dialect != Dialect::Mysql || !text.contains('\\') {
        return Name::Owned(text.to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = if letter == '\\' { letters.next_if(|next| matches!(next, '\'' | '\\')) } else { None };
        plain.push(escaped.unwrap_or(letter));
    }
    let mut bare = String::with_capacity(plain.len());
    let mut rest = plain.as_str();
    // A text may hold what looks like the name of a character set before a quote: it is passed over as a whole.
    while let Some(quote) = rest.find('\'') {
        let (before, text) = rest.split_at(quote);
        let name = before.rfind(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').map_or(0, |place| place + 1);
        let (code, set) = before.split_at(name);
        bare.push_str(code);
        bare.push_str(if set.starts_with('_') { "" } else { set });
        let (text, behind) = text.split_at(end_of_text(text));
        bare.push_str(text);
        rest = behind;
    }
    bare.push_str(rest);
    Name::Owned(bare)
}

/// `b'101'` as MySQL shows it once it stands in an expression: `0x05`.
fn bits(text: &str) -> Name {
    let digits: Vec<char> = text.chars().filter(|letter| matches!(letter, '0' | '1')).collect();
    let bytes = digits.rchunks(8).rev().map(|bits| bits.iter().fold(0_u32, |byte, bit| byte * 2 + u32::from(*bit == '1')));
    Name::Owned(bytes.fold("0x".to_owned(), |hex, byte| format!("{hex}{byte:02x}")))
}

/// Where a quoted text ends that a text begins with.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (place, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return place + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a default is written without quotes: `5` of a number, `b'1'` of bits, and not the text `5`.
fn is_number(spelt: &str, text: &str) -> bool {
    let name = spelt.split(['(', ' ']).next().unwrap_or_default();
    let holds_text = ["char", "varchar", "enum", "set"].contains(&name) || name.ends_with("text");
    !holds_text && (text.parse::<f64>().is_ok() || name == "bit")
}

fn key(table: &mut TableDef, row: &Cells, schema: Option<&str>) {
    let Some(target) = row.get(4) else {
        table.primary_key.push(row.name(2));
        return;
    };
    let name = row.name(1);
    if let Some(key) = table.foreign_keys.last_mut().filter(|key| key.name.as_ref() == Some(&name)) {
        key.columns.push(row.name(2));
        key.target.push(row.name(5));
        return;
    }
    let here = row.text(6);
    let table_name = match row.get(3) {
        Some(other) if other == here => named(schema, "", Name::Owned(target.to_owned())),
        other => named(other, here, Name::Owned(target.to_owned())),
    };
    table.foreign_keys.push(ForeignKeyDef {
        name: Some(name),
        columns: vec![row.name(2)],
        table: table_name,
        target: vec![row.name(5)],
        on_delete: None,
        on_update: None,
        deferrable: None,
    });
}

fn actions(table: &mut TableDef, row: &Cells) {
    let name = row.name(1);
    if let Some(key) = table.foreign_keys.iter_mut().find(|key| key.name.as_ref() == Some(&name)) {
        (key.on_delete, key.on_update) = (Action::parse(row.text(2)), Action::parse(row.text(3)));
    }
}

/// MariaDB's JSON is a long text with a check of its own.
fn check(table: &mut TableDef, row: &Cells, dialect: Dialect) {
    if row.text(3) != "Column" {
        table.checks.push(CheckDef { name: row.name(1), expression: written(dialect, row.text(2)) });
        return;
    }
    let clause = super::canonical(row.text(2));
    // The constraint keeps the name that the column had first; its clause follows the column's name.
    let valid = |name: &str| clause == format!("json_valid([{}])", name.to_lowercase());
    let place = table.columns.iter().position(|column| valid(&column.name));
    let place = place.or_else(|| table.columns.iter().position(|column| column.name == row.text(1)));
    let Some(column) = place.and_then(|place| table.columns.get_mut(place)) else { return };
    let json = valid(&column.name);
    if json && column.db_type.as_deref().is_some_and(|ty| canonical_type(Dialect::Mariadb, ty) == "longtext") {
        column.db_type = Some(Name::Borrowed("json"));
        column.extra = None;
        column.ty = ColumnType::Json(false);
    } else {
        column.check = Some(row.name(2));
    }
}

/// A unique key among some rows has a generated column at its end, which stands for the condition of a partial index.
fn fold_markers(table: &mut TableDef) {
    for index in &mut table.indexes {
        let marker = sequor_core::schema::shorten(&format!("{}_key", index.name.as_deref().unwrap_or_default()), 64);
        if index.parts.len() < 2 || index.parts.last().and_then(|part| part.column.as_deref()) != Some(&marker) {
            continue;
        }
        let Some(place) = table.columns.iter().position(|column| column.name == *marker) else { continue };
        let condition = table.columns[place].generated.as_ref().and_then(|one| {
            let text = one.expression.trim().trim_start_matches('(');
            let rest = text.get(..10).filter(|start| start.eq_ignore_ascii_case("case when ")).and_then(|_| text.get(10..))?;
            Some(Name::Owned(rest.get(..rest.to_ascii_lowercase().rfind(" then 1")?)?.to_owned()))
        });
        if condition.is_some() {
            index.filter = condition;
            index.parts.pop();
            table.columns.remove(place);
        }
    }
}

fn index(table: &mut TableDef, row: &Cells, dialect: Dialect) {
    let part = IndexPart {
        column: row.comment(3),
        expression: row.comment(7).map(|text| written(dialect, &text)),
        direction: (row.text(4) == "D").then_some(SortDirection::Descending),
        length: row.get(5).and_then(|length| length.parse().ok()),
        ..IndexPart::default()
    };
    let method = match row.text(6) {
        "FULLTEXT" => Some(Name::Borrowed("fulltext")),
        "SPATIAL" => Some(Name::Borrowed("spatial")),
        _ => None,
    };
    add_part(table, row.text(1), part, || IndexDef { unique: row.flag(2), method, ..IndexDef::default() });
}

#[cfg(test)]
mod tests {
    use super::{bits, written};
    use crate::Dialect;

    #[test]
    fn bits_are_one_text_however_they_were_said() {
        assert_eq!((bits("b'101'"), bits("b'100000001'"), bits("b'0'")), ("0x05".into(), "0x0101".into(), "0x00".into()));
    }

    #[test]
    fn expressions_of_mysql_are_read_as_they_were_written() {
        for (shown, meant) in [
            (r"_utf8mb4\'it\\\'s\'", r"'it\'s'"),
            (r"concat(`c`,_utf8mb4\'it\\\'s \\\\ x\',_latin1\'_utf8mb4\\\'\')", r"concat(`c`,'it\'s \\ x','_utf8mb4\'')"),
            ("(`a` + 1)", "(`a` + 1)"),
            (r"(`my_set` = \'x\')", "(`my_set` = 'x')"),
        ] {
            assert_eq!(written(Dialect::Mysql, shown), meant, "{shown}");
        }
        assert_eq!(written(Dialect::Mariadb, r"'it\'s'"), r"'it\'s'");
    }
}
