//! PostgreSQL's catalog.

use super::types::column_type;
use super::{Answers, Cells, Tables, add_part, named};
use crate::Dialect;
use sequor_core::Name;
use sequor_core::schema::{
    Action, CheckDef, Default, ForeignKeyDef, Generated, IndexDef, IndexPart, Nulls, OpaqueDef, OpaqueKind, Schema, SortDirection,
    TableColumn, TableDef, TableName, ViewDef,
};
use sequor_core::types::EnumDef;
use std::collections::HashMap;
use std::sync::Arc;

/// Tables, enums, columns, constraints, indexes, views, the rest.
pub(super) const QUERIES: [&str; 7] = [
    "SELECT c.relname::text, pg_catalog.obj_description(c.oid, 'pg_class')::text, n.nspname::text, \
     nullif(concat_ws(' ', CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED' END, CASE WHEN c.relkind = 'p' THEN 'PARTITION BY ' || pg_catalog.pg_get_partkeydef(c.oid) END, \
     'WITH (' || pg_catalog.array_to_string(c.reloptions, ', ') || ')'), '') \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND ($2 = '' OR c.relname = $2) ORDER BY 1",
    "SELECT t.typname::text, e.enumlabel::text FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
     JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid WHERE n.nspname = coalesce(nullif($1, ''), current_schema()) AND $2 IS NOT NULL ORDER BY 1, e.enumsortorder",
    "SELECT c.relname::text, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)::text, CASE WHEN a.attnotnull THEN '1' ELSE '0' END, \
     pg_catalog.pg_get_expr(d.adbin, d.adrelid)::text, CASE WHEN a.attidentity <> '' OR s.objid IS NOT NULL THEN '1' ELSE '0' END, \
     a.attgenerated::text, pg_catalog.col_description(c.oid, a.attnum)::text, CASE WHEN s.objid IS NOT NULL THEN '1' ELSE '0' END, \
     CASE WHEN a.attidentity = 'a' THEN 'ALWAYS' END \
     FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     LEFT JOIN pg_catalog.pg_depend s ON s.refclassid = 'pg_catalog.pg_class'::regclass AND s.refobjid = c.oid AND s.refobjsubid = a.attnum AND s.deptype = 'a' \
     AND s.classid = 'pg_catalog.pg_class'::regclass AND EXISTS (SELECT 1 FROM pg_catalog.pg_class q WHERE q.oid = s.objid AND q.relkind = 'S') \
     AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' \
     WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
     AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND ($2 = '' OR c.relname = $2) ORDER BY 1, a.attnum",
    "SELECT t.relname::text, k.conname::text, k.contype::text, \
     (SELECT json_agg(a.attname ORDER BY u.place)::text FROM unnest(k.conkey) WITH ORDINALITY u (number, place) JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number), \
     fn.nspname::text, ft.relname::text, \
     (SELECT json_agg(a.attname ORDER BY u.place)::text FROM unnest(k.confkey) WITH ORDINALITY u (number, place) JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number), \
     k.confdeltype::text, k.confupdtype::text, CASE WHEN k.condeferrable THEN '1' ELSE '0' END, CASE WHEN k.condeferred THEN '1' ELSE '0' END, \
     pg_catalog.pg_get_expr(k.conbin, k.conrelid, true)::text \
     FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
     LEFT JOIN pg_catalog.pg_class ft ON ft.oid = k.confrelid LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = ft.relnamespace \
     WHERE k.contype IN ('p', 'f', 'c') AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND ($2 = '' OR t.relname = $2) ORDER BY 1, k.contype, k.oid",
    "SELECT t.relname::text, i.relname::text, CASE WHEN x.indisunique THEN '1' ELSE '0' END, \
     CASE WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_constraint c WHERE c.conindid = i.oid AND c.contype = 'u') THEN '1' ELSE '0' END, \
     m.amname::text, pg_catalog.pg_get_expr(x.indpred, x.indrelid, true)::text, a.attname::text, \
     CASE WHEN a.attname IS NULL THEN pg_catalog.pg_get_indexdef(x.indexrelid, k, true)::text END, \
     CASE WHEN k > x.indnkeyatts THEN '1' ELSE '0' END, CASE WHEN k <= x.indnkeyatts AND (x.indoption[k - 1] & 1) = 1 THEN '1' ELSE '0' END, \
     CASE WHEN k <= x.indnkeyatts AND NOT o.opcdefault THEN o.opcname::text END, \
     CASE WHEN k <= x.indnkeyatts AND l.collname <> 'default' AND l.oid IS DISTINCT FROM a.attcollation THEN l.collname::text END, \
     CASE WHEN k > x.indnkeyatts THEN NULL WHEN (x.indoption[k - 1] & 3) = 2 THEN 'first' WHEN (x.indoption[k - 1] & 3) = 1 THEN 'last' END, \
     nullif(concat_ws(' ', CASE WHEN x.indisunique AND pg_catalog.pg_get_indexdef(x.indexrelid) LIKE '%) NULLS NOT DISTINCT%' THEN 'NULLS NOT DISTINCT' END, \
     (SELECT CASE WHEN c.condeferred THEN 'DEFERRABLE INITIALLY DEFERRED' WHEN c.condeferrable THEN 'DEFERRABLE' END FROM pg_catalog.pg_constraint c \
     WHERE c.conindid = i.oid AND c.contype = 'u')), '') \
     FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid JOIN pg_catalog.pg_class t ON t.oid = x.indrelid \
     JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace JOIN pg_catalog.pg_am m ON m.oid = i.relam CROSS JOIN generate_series(1, x.indnatts::int) k \
     LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[k - 1] \
     LEFT JOIN pg_catalog.pg_opclass o ON o.oid = x.indclass[k - 1] LEFT JOIN pg_catalog.pg_collation l ON l.oid = x.indcollation[k - 1] \
     WHERE n.nspname = coalesce(nullif($1, ''), current_schema()) AND ($2 = '' OR t.relname = $2) AND NOT x.indisprimary AND NOT x.indisexclusion AND NOT t.relispartition ORDER BY 1, 2, k",
    "SELECT c.relname::text, pg_catalog.pg_get_viewdef(c.oid)::text, CASE WHEN c.relkind = 'm' THEN (SELECT coalesce(json_agg(replace(pg_catalog.pg_get_indexdef(x.indexrelid), ' ON ' || pg_catalog.quote_ident(n.nspname) || '.', ' ON ') \
     ORDER BY x.indexrelid), '[]')::text FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid) END \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('v', 'm') AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND $2 = '' ORDER BY c.oid",
    "SELECT 'sequence', c.relname::text, NULL::text, (SELECT pg_catalog.format('AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s', \
     pg_catalog.format_type(q.seqtypid, NULL), q.seqincrement, q.seqmin, q.seqmax, q.seqstart, q.seqcache) || CASE WHEN q.seqcycle THEN ' CYCLE' ELSE '' END \
     FROM pg_catalog.pg_sequence q WHERE q.seqrelid = c.oid) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind = 'S' AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND $2 = '' \
     AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')) \
     UNION ALL SELECT 'extension', e.extname::text, NULL::text, e.extversion::text FROM pg_catalog.pg_extension e WHERE e.extname <> 'plpgsql' AND $2 = '' \
     UNION ALL SELECT 'domain', y.typname::text, NULL::text, pg_catalog.format_type(y.typbasetype, y.typtypmod) || CASE WHEN y.typnotnull THEN ' NOT NULL' ELSE '' END \
     || coalesce(' DEFAULT ' || y.typdefault, '') || coalesce((SELECT string_agg(' CONSTRAINT ' || pg_catalog.quote_ident(k.conname) || ' ' || pg_catalog.pg_get_constraintdef(k.oid), '' ORDER BY k.conname) \
     FROM pg_catalog.pg_constraint k WHERE k.contypid = y.oid AND k.contype = 'c'), '') FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace n ON n.oid = y.typnamespace \
     WHERE y.typtype = 'd' AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND $2 = '' \
     AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid = y.oid AND d.deptype = 'e') \
     UNION ALL SELECT 'partition', c.relname::text, p.relname::text, pg_catalog.pg_get_expr(c.relpartbound, c.oid) || CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_catalog.pg_get_partkeydef(c.oid) ELSE '' END \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_inherits h ON h.inhrelid = c.oid JOIN pg_catalog.pg_class p ON p.oid = h.inhparent \
     WHERE c.relispartition AND c.relkind IN ('r', 'p') AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND $2 IN ('', c.relname, p.relname) \
     UNION ALL SELECT 'constraint', k.conname::text, t.relname::text, pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid \
     JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace WHERE k.contype = 'x' AND NOT t.relispartition AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND $2 IN ('', t.relname) \
     UNION ALL SELECT 'function', p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', NULL::text, \
     CASE WHEN p.prokind = 'p' THEN 'CREATE OR REPLACE PROCEDURE ' ELSE 'CREATE OR REPLACE FUNCTION ' END || pg_catalog.substr(pg_catalog.pg_get_functiondef(p.oid), \
     pg_catalog.length('CREATE OR REPLACE FUNCTION ' || pg_catalog.quote_ident(n.nspname) || '.') + CASE WHEN p.prokind = 'p' THEN 2 ELSE 1 END) \
     FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
     WHERE p.prokind IN ('f', 'p', 'w') AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND $2 = '' \
     AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i')) \
     UNION ALL SELECT 'trigger', g.tgname::text, t.relname::text, pg_catalog.pg_get_triggerdef(g.oid)::text FROM pg_catalog.pg_trigger g \
     JOIN pg_catalog.pg_class t ON t.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
     WHERE NOT g.tgisinternal AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_trigger m ON m.tgrelid = h.inhparent AND m.tgname = g.tgname \
     WHERE h.inhrelid = t.oid AND t.relispartition) AND n.nspname = coalesce(nullif($1, ''), current_schema()) AND ($2 = '' OR t.relname = $2) ORDER BY 1, 2",
];

pub(super) fn assemble(answers: &mut Answers, schema: Option<&str>) -> Schema {
    let mut tables = Tables::new();
    let mut here = String::new();
    for row in answers.next() {
        here = row.text(2).to_owned();
        let name = TableName { schema: schema.map(|schema| Name::Owned(schema.to_owned())), name: row.name(0) };
        tables.add(row.text(0), TableDef { comment: row.comment(1), options: row.comment(3), ..TableDef::new(name) });
    }
    let enums = enums(&answers.next());
    for row in answers.next() {
        let Some(table) = tables.get(row.text(0)) else { continue };
        table.columns.push(column(&row, &enums));
    }
    for row in answers.next() {
        if let Some(table) = tables.get(row.text(0)) {
            constraint(table, &row, &here, schema);
        }
    }
    for row in answers.next() {
        if let Some(table) = tables.get(row.text(0)) {
            index(table, &row);
        }
    }
    let view = |row: Cells| ViewDef {
        name: TableName { schema: schema.map(|schema| Name::Owned(schema.to_owned())), name: row.name(0) },
        query: Name::Owned(row.text(1).trim_end_matches(';').trim().to_owned()),
        kept: row.get(2).map(|_| row.list(2)),
    };
    let views = answers.next().into_iter().map(view).collect();
    let mut list: Vec<Arc<EnumDef>> = enums.into_values().collect();
    list.sort_by(|one, other| one.name.cmp(&other.name));
    Schema { tables: tables.tables, enums: list, views, others: others(&answers.next()) }
}

/// What is known by its text alone: kind, name, table, text.
pub(super) fn others(rows: &[Cells]) -> Vec<OpaqueDef> {
    rows.iter()
        .filter_map(|row| {
            Some(OpaqueDef { kind: OpaqueKind::parse(row.text(0))?, name: row.name(1), table: row.comment(2), text: row.name(3) })
        })
        .collect()
}

fn enums(rows: &[Cells]) -> HashMap<String, Arc<EnumDef>> {
    let mut found: HashMap<String, Vec<Name>> = HashMap::new();
    for row in rows {
        found.entry(row.text(0).to_owned()).or_default().push(row.name(1));
    }
    found.into_iter().map(|(name, labels)| (name.clone(), Arc::new(EnumDef { name: name.into(), labels }))).collect()
}

fn column(row: &Cells, enums: &HashMap<String, Arc<EnumDef>>) -> TableColumn {
    let spelt = row.text(2);
    let ty = column_type(Dialect::Postgres, spelt, &|name| enums.get(name).cloned());
    let expression = row.get(4).map(|text| Name::Owned(text.to_owned()));
    let stored = row.text(6) == "s";
    let is_generated = stored || row.text(6) == "v";
    let counts = row.flag(5);
    TableColumn {
        db_type: Some(Name::Owned(spelt.to_owned())),
        nullable: !row.flag(3),
        auto_increment: counts,
        generated: if is_generated { expression.clone().map(|expression| Generated { expression, stored }) } else { None },
        default: match expression {
            Some(sql) if !is_generated && !counts => Default::Db(sql),
            _ => Default::None,
        },
        comment: row.comment(7),
        extra: row.comment(9),
        ..TableColumn::new(row.name(1), ty)
    }
}

fn action(letter: &str) -> Option<Action> {
    Some(match letter {
        "c" => Action::Cascade,
        "r" => Action::Restrict,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    })
}

fn constraint(table: &mut TableDef, row: &Cells, here: &str, schema: Option<&str>) {
    match row.text(2) {
        "p" => table.primary_key = row.list(3),
        "c" => table.checks.push(CheckDef { name: row.name(1), expression: row.name(11) }),
        _ => {
            // Tables of the schema that is being read are named as its tables are.
            let target = match row.get(4) {
                Some(other) if other == here => named(schema, "", row.name(5)),
                other => named(other, here, row.name(5)),
            };
            table.foreign_keys.push(ForeignKeyDef {
                name: Some(row.name(1)),
                columns: row.list(3),
                table: target,
                target: row.list(6),
                on_delete: action(row.text(7)),
                on_update: action(row.text(8)),
                deferrable: row.flag(9).then(|| row.flag(10)),
            });
        }
    }
}

fn index(table: &mut TableDef, row: &Cells) {
    let part = IndexPart {
        column: row.comment(6),
        expression: row.comment(7),
        direction: row.flag(9).then_some(SortDirection::Descending),
        length: None,
        operator_class: row.comment(10),
        collation: row.comment(11),
        nulls: row.get(12).map(|word| if word == "first" { Nulls::First } else { Nulls::Last }),
    };
    if row.flag(8) {
        if let (Some(index), Some(column)) = (table.indexes.last_mut(), part.column) {
            index.include.push(column);
        }
        return;
    }
    let method = row.comment(4).filter(|method| method != "btree");
    add_part(table, row.text(1), part, || IndexDef {
        unique: row.flag(2),
        constraint: row.flag(3),
        filter: row.comment(5),
        method,
        extra: row.comment(13),
        ..IndexDef::default()
    });
}
