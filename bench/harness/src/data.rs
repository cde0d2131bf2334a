//! The data of every contender, before any of them has made it its own.

use chrono::{DateTime, Utc};
use std::sync::OnceLock;

/// The values of a row to insert.
#[derive(Clone)]
pub struct New {
    pub name: String,
    pub email: String,
    pub age: Option<i32>,
    pub score: f64,
    pub active: bool,
    pub bio: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// The first `count` rows to insert.
pub fn rows(count: u32) -> &'static [New] {
    static ROWS: OnceLock<Vec<New>> = OnceLock::new();
    let row = |i: i32| New {
        name: format!("User {i}"),
        email: format!("user{i}@example.com"),
        age: (i % 7 != 0).then_some(i % 90),
        score: f64::from(i) * 0.5,
        active: i % 2 == 0,
        bio: (i % 3 != 0).then(|| "bio ".repeat(10)),
        created_at: DateTime::from_timestamp(1_704_067_200 + i64::from(i) * 60, 0).expect("a time"),
    };
    &ROWS.get_or_init(|| (0..10_000).map(row).collect())[..count as usize]
}

/// The key of the `i`-th look-up: spread over the table.
pub fn key(i: u32) -> i32 {
    (i as i32 * 37) % 10000 + 1
}

/// The score that a run writes to a row.
pub fn score(id: i32, turn: u32) -> f64 {
    f64::from(id) * 0.5 + 1.0 + f64::from(turn)
}

/// The row behind which a deep page begins.
pub const DEEP: i32 = 900_000;

/// The thirty columns of a wide row by kind, as a macro's arguments: `id`, then texts, whole numbers, numbers, truths and texts that may be NULL.
#[macro_export]
macro_rules! wide_columns {
    ($then:ident) => {
        $then! { [t1 t2 t3 t4 t5 t6 t7 t8 t9] [i1 i2 i3 i4 i5 i6 i7 i8 i9] [f1 f2 f3 f4 f5] [b1 b2 b3] [n1 n2 n3] }
    };
}

macro_rules! names {
    ([$($t:ident)*] [$($i:ident)*] [$($f:ident)*] [$($b:ident)*] [$($n:ident)*]) => {
        /// The columns of a wide row, in order, for a statement.
        pub const WIDE: &str = concat!("id", $(", ", stringify!($t),)* $(", ", stringify!($i),)* $(", ", stringify!($f),)* $(", ", stringify!($b),)* $(", ", stringify!($n)),*);
    };
}
wide_columns!(names);
