//! Queries that read a live database: tables, columns, indexes, foreign keys. Every cell comes as text.

use crate::Dialect;

/// The base tables of a schema (parameter 1; empty for the current one; SQLite has none), one name a row.
pub fn tables(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = coalesce(nullif($1, ''), current_schema()) ORDER BY 1"
        }
        Dialect::Mysql | Dialect::Mariadb => {
            "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema = coalesce(nullif(?, ''), DATABASE()) ORDER BY 1"
        }
        Dialect::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND coalesce(?, '') IS NOT NULL ORDER BY name"
        }
    }
}

/// The columns of a table (parameter 1) in a schema (parameter 2): name, type, nullable, default, primary key, enum labels, comment, counted up.
/// Truth values are `1` and `0`; labels are separated by commas.
pub fn columns(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => {
            "SELECT c.column_name::text, (upper(c.data_type) || CASE WHEN c.character_maximum_length IS NULL THEN '' ELSE '(' || c.character_maximum_length || ')' END)::text, \
             CASE WHEN c.is_nullable = 'YES' THEN '1' ELSE '0' END, c.column_default::text, \
             CASE WHEN EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) \
             WHERE i.indrelid = t.oid AND i.indisprimary AND a.attname = c.column_name) THEN '1' ELSE '0' END, \
             (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)::text FROM pg_type y JOIN pg_enum e ON e.enumtypid = y.oid JOIN pg_namespace m ON m.oid = y.typnamespace \
             WHERE y.typname = c.udt_name AND m.nspname = c.udt_schema), col_description(t.oid, c.ordinal_position::int)::text, \
             CASE WHEN c.is_identity = 'YES' OR c.column_default LIKE 'nextval(%' THEN '1' ELSE '0' END \
             FROM information_schema.columns c JOIN pg_namespace n ON n.nspname = c.table_schema JOIN pg_class t ON t.relname = c.table_name AND t.relnamespace = n.oid \
             WHERE c.table_name = $1 AND c.table_schema = coalesce(nullif($2, ''), current_schema()) ORDER BY c.ordinal_position"
        }
        Dialect::Mysql | Dialect::Mariadb => {
            "SELECT column_name, column_type, CASE WHEN is_nullable = 'YES' THEN '1' ELSE '0' END, column_default, CASE WHEN column_key = 'PRI' THEN '1' ELSE '0' END, \
             NULL, nullif(column_comment, ''), CASE WHEN extra LIKE '%auto_increment%' THEN '1' ELSE '0' END \
             FROM information_schema.columns WHERE table_name = ? AND table_schema = coalesce(nullif(?, ''), DATABASE()) ORDER BY ordinal_position"
        }
        Dialect::Sqlite => {
            "SELECT name, upper(type), CASE WHEN \"notnull\" THEN '0' ELSE '1' END, dflt_value, CASE WHEN pk > 0 THEN '1' ELSE '0' END, NULL, NULL, \
             CASE WHEN pk = 1 AND upper(type) = 'INTEGER' THEN '1' ELSE '0' END FROM pragma_table_xinfo(?) WHERE coalesce(?, '') IS NOT NULL ORDER BY cid"
        }
    }
}

/// The indexes of a table (parameter 1) in a schema (parameter 2), without the primary key, a row for each part: name, unique, part, descending, constraint.
pub fn indexes(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => {
            "SELECT i.relname::text, CASE WHEN x.indisunique THEN '1' ELSE '0' END, coalesce(a.attname::text, pg_get_indexdef(x.indexrelid, k, true)), \
             CASE WHEN (x.indoption[k - 1] & 1) = 1 THEN '1' ELSE '0' END, CASE WHEN EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid) THEN '1' ELSE '0' END \
             FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
             CROSS JOIN generate_series(1, x.indnkeyatts::int) k LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[k - 1] \
             WHERE t.relname = $1 AND n.nspname = coalesce(nullif($2, ''), current_schema()) AND NOT x.indisprimary ORDER BY i.relname, k"
        }
        Dialect::Mysql | Dialect::Mariadb => {
            "SELECT index_name, CASE WHEN non_unique = 0 THEN '1' ELSE '0' END, column_name, CASE WHEN collation = 'D' THEN '1' ELSE '0' END, '0' \
             FROM information_schema.statistics WHERE table_name = ? AND table_schema = coalesce(nullif(?, ''), DATABASE()) AND index_name <> 'PRIMARY' ORDER BY index_name, seq_in_index"
        }
        Dialect::Sqlite => {
            "SELECT l.name, CAST(l.\"unique\" AS TEXT), coalesce(i.name, ''), CAST(i.\"desc\" AS TEXT), CASE WHEN l.origin = 'u' THEN '1' ELSE '0' END \
             FROM pragma_index_list(?) l JOIN pragma_index_xinfo(l.name) i ON i.key = 1 WHERE l.origin <> 'pk' AND coalesce(?, '') IS NOT NULL ORDER BY l.name, i.seqno"
        }
    }
}

/// SQLite's foreign keys of a table (parameter 1): number, column, table pointed to, column pointed to, on delete, on update.
pub const SQLITE_FOREIGN_KEYS: &str =
    "SELECT CAST(id AS TEXT), \"from\", \"table\", \"to\", on_delete, on_update FROM pragma_foreign_key_list(?) ORDER BY id, seq";

/// The text with which SQLite made a table or index (parameter 1).
pub const SQLITE_TEXT: &str = "SELECT sql FROM sqlite_master WHERE name = ?";
