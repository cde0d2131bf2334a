//! Models of a crate of their own, which knows Sequor by another name: programs relate theirs to them.

use crate::orm::prelude::*;

/// A number of an employee.
#[derive(DbType, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[db_type(crate = "crate::orm")]
pub struct Number(pub i32);

/// Where somebody works.
#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
#[db_enum(crate = "crate::orm", name = "directory_site", rename_all = "snake_case")]
pub enum Site {
    /// In the north.
    NorthGate,
    /// In the south.
    SouthGate,
}

/// Who works here.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(crate = "crate::orm", table = "directory_employees")]
pub struct Employee {
    /// The key.
    #[field(primary_key)]
    pub number: Number,
    /// The name.
    pub name: String,
    /// Where.
    pub site: Site,
    /// Who leads.
    pub chief_number: Option<Number>,
    /// Who leads.
    #[relation(foreign_key = "chief_number")]
    pub chief: BelongsTo<Option<Employee>>,
    /// Who is led.
    #[relation(foreign_key = "chief_number")]
    pub team: HasMany<Employee>,
}
