//! [`ColumnDef`]: one column of a model.

use crate::Name;
use crate::error::Result;
use crate::types::ColumnType;
use crate::value::Value;

/// A column of a model: the field that programs name and the column that the database has.
#[derive(Clone, Debug)]
pub struct ColumnDef {
    /// The field's name in the program (Sequelize's attribute).
    pub name: Name,
    /// The column's name in the database.
    pub column: Name,
    /// The name in JSON.
    pub json: Name,
    /// The kind of column.
    pub ty: ColumnType,
    /// A type spelt by hand, used in DDL instead of the dialect's.
    pub db_type: Option<Name>,
    /// Whether NULL is a value.
    pub nullable: bool,
    /// Whether it belongs to the primary key.
    pub primary_key: bool,
    /// Whether the database counts it up.
    pub auto_increment: bool,
    /// The unique key that it belongs to.
    pub unique: Option<Unique>,
    /// What a new row gets when no value is given.
    pub default: Default,
    /// A comment for the database's catalog.
    pub comment: Option<Name>,
    /// A foreign key declared on the column itself: table and column.
    pub references: Option<super::ForeignKeyDef>,
    /// The rules of validation, in order.
    pub rules: Vec<RuleDef>,
    /// Left out of JSON.
    pub hidden: bool,
    /// Never in logs, errors or `Debug`.
    pub sensitive: bool,
    /// A column that the database computes.
    pub generated: Option<Generated>,
    /// Changes each given or changed value before validation.
    pub set_with: Option<fn(Value) -> Result<Value>>,
    /// The name that this column had before, for migrations.
    pub renamed_from: Option<Name>,
    /// Whether it is a managed timestamp, version or stamp, which callers do not set.
    pub managed: bool,
}

/// Where a default comes from.
#[derive(Clone, Debug)]
pub enum Default {
    /// There is none.
    None,
    /// A fixed value, also written into the table.
    Value(Value),
    /// Made by Sequor for each new row.
    Generator(Generator),
    /// Made by the program for each new row.
    Function(fn() -> Value),
    /// An SQL expression of the table, written by the developer.
    Db(Name),
}

/// The generators of [`Default::Generator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generator {
    /// A time-based UUID.
    UuidV1,
    /// A random UUID.
    UuidV4,
    /// A sortable UUID.
    UuidV7,
    /// The present instant.
    Now,
}

/// A unique key declared on a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unique {
    /// The name that several columns share to make one key; `None` for a key of its own.
    pub group: Option<Name>,
    /// The text of the error instead of `<field> must be unique`.
    pub message: Option<Name>,
}

/// A column that the database computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The SQL expression.
    pub expression: Name,
    /// Whether it is stored.
    pub stored: bool,
}

/// One rule of validation on a column.
#[derive(Clone, Debug)]
pub struct RuleDef {
    /// The rule: `isEmail`, `len`, .., or the name of a custom function.
    pub key: Name,
    /// Its arguments.
    pub args: Vec<Value>,
    /// A message instead of the rule's own.
    pub message: Option<Name>,
    /// A function of the program; `Err` is the message.
    pub custom: Option<fn(&Value) -> std::result::Result<(), String>>,
}

impl ColumnDef {
    /// A nullable column with a name and a type and nothing else.
    pub fn new(name: impl Into<Name>, ty: ColumnType) -> ColumnDef {
        let name = name.into();
        ColumnDef {
            column: name.clone(),
            json: name.clone(),
            name,
            ty,
            db_type: None,
            nullable: true,
            primary_key: false,
            auto_increment: false,
            unique: None,
            default: Default::None,
            comment: None,
            references: None,
            rules: Vec::new(),
            hidden: false,
            sensitive: false,
            generated: None,
            set_with: None,
            renamed_from: None,
            managed: false,
        }
    }

    /// Whether a new row must be given a value.
    pub fn required(&self) -> bool {
        !self.nullable && !self.auto_increment && !self.managed && self.generated.is_none() && matches!(self.default, Default::None)
    }
}
