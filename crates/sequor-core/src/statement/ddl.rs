//! [`Ddl`]: changes of the schema.

use crate::Name;
use crate::schema::{CheckDef, ForeignKeyDef, IndexDef, OpaqueDef, TableColumn, TableDef, TableName, ViewDef};
use crate::types::EnumDef;

/// Where the value of a row comes from that has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fill {
    /// The column's default.
    Default,
    /// The present instant.
    Now,
    /// Zero, the empty text, the first label: what keeps a column NOT NULL when its values are lost.
    Zero,
    /// SQL of the developer.
    Sql(Name),
}

/// What is done to the values of a column while a table is made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRule {
    /// The column of the new table.
    pub column: Name,
    /// What stands for NULL, or for the whole column when the old table had none.
    pub fill: Option<Fill>,
    /// Labels of an enum with other names: old, new.
    pub labels: Vec<(Name, Name)>,
    /// Whether values become another type.
    pub cast: bool,
}

/// One change of the schema. A dialect may need several statements for one, or the whole table (SQLite's rebuild).
#[derive(Clone, Debug)]
pub enum Ddl {
    /// CREATE TABLE with keys and checks; indexes follow as statements of their own.
    CreateTable {
        /// The table.
        table: Box<TableDef>,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP TABLE.
    DropTable {
        /// The table.
        table: TableName,
        /// IF EXISTS.
        if_exists: bool,
        /// CASCADE, where the database has it.
        cascade: bool,
    },
    /// ALTER TABLE .. RENAME TO.
    RenameTable {
        /// The table.
        from: TableName,
        /// Its new name.
        to: TableName,
    },
    /// ADD COLUMN.
    AddColumn {
        /// The table.
        table: TableName,
        /// The column.
        column: Box<TableColumn>,
        /// The column before it (MySQL).
        after: Option<Name>,
    },
    /// DROP COLUMN.
    DropColumn {
        /// The table.
        table: TableName,
        /// The column.
        column: Name,
    },
    /// RENAME COLUMN.
    RenameColumn {
        /// The table.
        table: TableName,
        /// The column.
        from: Name,
        /// Its new name.
        to: Name,
    },
    /// Changes type, nullability, default or comment of a column.
    AlterColumn {
        /// The table.
        table: TableName,
        /// The column as it is.
        from: Box<TableColumn>,
        /// The column as it shall be.
        to: Box<TableColumn>,
    },
    /// CREATE INDEX, or a unique constraint.
    CreateIndex {
        /// The table.
        table: TableName,
        /// The index.
        index: IndexDef,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP INDEX.
    DropIndex {
        /// The table.
        table: TableName,
        /// The index.
        name: Name,
        /// Whether it is a constraint's.
        constraint: bool,
        /// Whether it is one of words.
        search: bool,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// Another name for an index, or for a unique constraint.
    RenameIndex {
        /// The table.
        table: TableName,
        /// The index.
        from: Name,
        /// Its new name.
        to: Name,
        /// Whether it is a constraint's.
        constraint: bool,
    },
    /// RENAME CONSTRAINT: another name for a key or a check (PostgreSQL).
    RenameConstraint {
        /// The table.
        table: TableName,
        /// The constraint.
        from: Name,
        /// Its new name.
        to: Name,
    },
    /// ADD FOREIGN KEY.
    AddForeignKey {
        /// The table.
        table: TableName,
        /// The key.
        key: ForeignKeyDef,
    },
    /// ADD CHECK.
    AddCheck {
        /// The table.
        table: TableName,
        /// The check.
        check: CheckDef,
    },
    /// ADD PRIMARY KEY.
    AddPrimaryKey {
        /// The table.
        table: TableName,
        /// The columns.
        columns: Vec<Name>,
        /// The constraint's name.
        name: Option<Name>,
    },
    /// DROP CONSTRAINT, of any kind.
    DropConstraint {
        /// The table.
        table: TableName,
        /// The constraint.
        name: Name,
    },
    /// Rebuilds a table in place, keeping its rows (SQLite).
    RebuildTable {
        /// The table as it is.
        from: Box<TableDef>,
        /// The table as it shall be.
        to: Box<TableDef>,
        /// Old column → new column.
        renames: Vec<(Name, Name)>,
        /// What is done to values on their way, by the new table's columns.
        copies: Vec<CopyRule>,
    },
    /// Gives a value to the rows that have none.
    FillNulls {
        /// The table.
        table: TableName,
        /// The column.
        column: Box<TableColumn>,
        /// The value.
        fill: Fill,
    },
    /// Gives rows with one label of an enum another one.
    Relabel {
        /// The table.
        table: TableName,
        /// The column.
        column: Name,
        /// The old label.
        from: Name,
        /// The new label.
        to: Name,
    },
    /// Makes other columns the primary key.
    ChangePrimaryKey {
        /// The table.
        table: TableName,
        /// Whether there was one.
        had: bool,
        /// Its columns; empty for none.
        columns: Vec<Name>,
    },
    /// CREATE TYPE .. AS ENUM (PostgreSQL).
    CreateEnum {
        /// The schema.
        schema: Option<Name>,
        /// The type.
        definition: EnumDef,
    },
    /// ALTER TYPE .. ADD VALUE (PostgreSQL).
    AddEnumLabel {
        /// The schema.
        schema: Option<Name>,
        /// The type.
        name: Name,
        /// The label.
        label: Name,
        /// The label before it.
        after: Option<Name>,
        /// The label behind it, where there is none before.
        before: Option<Name>,
    },
    /// ALTER TYPE .. RENAME VALUE (PostgreSQL).
    RenameEnumLabel {
        /// The type.
        name: Name,
        /// The label.
        from: Name,
        /// Its new name.
        to: Name,
    },
    /// Makes an enum type anew, with other labels, and moves its columns over (PostgreSQL).
    ReplaceEnum {
        /// The type as it shall be.
        definition: EnumDef,
        /// The name of the old type, until nothing has it any more.
        old: Name,
        /// The columns that have it.
        columns: Vec<(TableName, TableColumn)>,
    },
    /// DROP TYPE (PostgreSQL).
    DropEnum {
        /// The schema.
        schema: Option<Name>,
        /// The type.
        name: Name,
    },
    /// CREATE SCHEMA.
    CreateSchema {
        /// The schema.
        name: Name,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP SCHEMA with all that is in it.
    DropSchema {
        /// The schema.
        name: Name,
    },
    /// Empties tables.
    Truncate {
        /// The tables.
        tables: Vec<TableName>,
        /// Counts start again.
        restart_identity: bool,
        /// A column of theirs is numbered by the database: elsewhere SQLite need not have a table of counts.
        counted: bool,
        /// Also tables that point here (PostgreSQL).
        cascade: bool,
    },
    /// CREATE VIEW.
    CreateView(ViewDef),
    /// DROP VIEW.
    DropView(ViewDef),
    /// CREATE of an extension, a sequence, a function or a trigger.
    CreateOther(OpaqueDef),
    /// DROP of a sequence, a function or a trigger; extensions stay.
    DropOther(OpaqueDef),
}
