//! Generated code means std's and Sequor's names, whatever the program calls its own.
#![allow(dead_code, non_camel_case_types)]

mod core {}
mod std {}
mod sequor_macros {}
struct Option2;
struct String2;

mod models {
    use ::sequor::{BelongsTo, HasMany};
    use ::sequor::{DbEnum, Embed, Model};

    type Text = ::std::string::String;
    struct String;
    struct Option;
    struct Result;
    struct Vec;
    struct Box;
    struct Some;
    struct None;
    struct Ok;
    struct Err;
    struct Value;
    struct Arc;
    struct Field;
    struct Column;

    #[derive(DbEnum, Clone, Copy, Debug, PartialEq)]
    pub enum Self_ {
        Some,
        None,
        Ok,
        Err,
    }

    #[derive(Embed, Clone, Debug, PartialEq)]
    pub struct Place {
        pub row: i64,
        pub at: i64,
    }

    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(json = "camelCase")]
    pub struct Row {
        #[field(primary_key)]
        pub row: i64,
        pub at: Text,
        pub position: i32,
        pub cell: Self_,
        #[field(embed)]
        pub model: Place,
        pub r#type: Text,
        pub given: bool,
        pub check: bool,
        pub draft: bool,
        pub slots: bool,
        pub row_id: i64,
        pub relation: BelongsTo2,
    }

    pub type BelongsTo2 = i64;

    #[derive(Model, Clone, Debug, PartialEq)]
    pub struct Node {
        #[field(primary_key)]
        pub id: i64,
        pub parent_id: ::core::option::Option<i64>,
        pub parent: BelongsTo<::core::option::Option<Node>>,
        #[relation(foreign_key = "parent_id")]
        pub children: HasMany<Node>,
    }
}

use models::{Node, Place, Row, Self_};

fn main() {
    let (given, slots, draft) = (true, false, true);
    let _ = ::sequor::draft!(Row {
        row: 1,
        at: "a",
        position: 1,
        cell: Self_::None,
        model: Place { row: 1, at: 2 },
        r#type: "x",
        given,
        check: slots,
        draft,
        slots: given,
        row_id: 1,
        relation: 1,
    });
    let _ = ::sequor::draft!(Node { id: 1, children: [{ id: 2, children: [{ id: 3 }] }, { id: 4 }] });
}

#[test]
fn compiles_and_runs() {
    main();
}
