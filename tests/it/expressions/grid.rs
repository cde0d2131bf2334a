//! Every operator on every type of column, beside the same computed in memory: required and nullable columns, in filters, orders, groups,
//! selections, aggregates, windows, sub-queries, unions and cursors.

use sequor::prelude::*;
use sequor::{Window, greatest, lag, least};
use std::cmp::Ordering;

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[db_enum(name = "size")]
pub enum Size {
    // Neither the labels' order nor the reverse of it.
    Small,
    Large,
    Middle,
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[db_enum(name = "grade")]
pub enum Grade {
    Alpha,
    Beta,
    Gamma,
}

#[derive(DbType, Clone, Debug, PartialEq, PartialOrd)]
pub struct Cents(i64);

#[derive(DbType, Clone, Debug, PartialEq, PartialOrd)]
pub struct Word(String);

/// Rows of the grid: each value beside each value and beside NULL.
fn pairs<T: Clone>(values: &[T]) -> Vec<(i64, T, Option<T>)> {
    let mut rows = Vec::new();
    for value in values {
        for maybe in values.iter().cloned().map(Some).chain([None]) {
            rows.push((rows.len() as i64 + 1, value.clone(), maybe));
        }
    }
    rows
}

fn ids<T>(rows: &[(i64, T, Option<T>)], keep: impl Fn(&T, Option<&T>) -> bool) -> Vec<i64> {
    rows.iter().filter(|(_, value, maybe)| keep(value, maybe.as_ref())).map(|row| row.0).collect()
}

fn compared<T: PartialOrd>(left: &T, right: Option<&T>, wanted: &[Ordering]) -> bool {
    right.is_some_and(|right| left.partial_cmp(right).is_some_and(|order| wanted.contains(&order)))
}

/// What every type has: equality, lists, NULLs, coalesce, case, sub-queries.
macro_rules! equalities {
    ($db:ident, $rows:ident, $values:ident) => {
        let found = async |filter: Filter<Cell>| Cell::find_all().filter(filter).select(Cell::ID).order_by(Cell::ID.asc()).exec(&$db).await;
        let not_null = ids(&$rows, |_, maybe| maybe.is_some());
        for given in &$values {
            let same = |value: Option<&Kind>| value == Some(given);
            assert_eq!(found(Cell::VALUE.eq(given)).await?, ids(&$rows, |value, _| value == given), "eq {given:?}");
            assert_eq!(found(Cell::VALUE.ne(given)).await?, ids(&$rows, |value, _| value != given), "ne {given:?}");
            assert_eq!(found(Cell::MAYBE.eq(given)).await?, ids(&$rows, |_, maybe| same(maybe)), "maybe eq {given:?}");
            assert_eq!(found(Cell::MAYBE.ne(given)).await?, ids(&$rows, |_, maybe| maybe.is_some() && !same(maybe)), "maybe ne {given:?}");
            assert_eq!(found(Cell::MAYBE.is_same(given)).await?, ids(&$rows, |_, maybe| same(maybe)), "is_same {given:?}");
            assert_eq!(found(Cell::MAYBE.is_not_same(given)).await?, ids(&$rows, |_, maybe| !same(maybe)), "is_not_same {given:?}");
            assert_eq!(found(Cell::VALUE.is_in([given])).await?, ids(&$rows, |value, _| value == given), "in {given:?}");
            assert_eq!(
                found(Cell::MAYBE.is_in([Some(given.clone()), None])).await?,
                ids(&$rows, |_, maybe| same(maybe)),
                "maybe in {given:?}"
            );
            assert_eq!(
                found(Cell::MAYBE.not_in([given])).await?,
                ids(&$rows, |_, maybe| maybe.is_some() && !same(maybe)),
                "not in {given:?}"
            );
            assert_eq!(found(!Cell::MAYBE.eq(given)).await?, ids(&$rows, |_, maybe| maybe.is_some() && !same(maybe)), "not eq {given:?}");
            let coalesced = ids(&$rows, |_, maybe| maybe.is_none() || same(maybe));
            assert_eq!(found(coalesce(Cell::MAYBE, given).eq(given)).await?, coalesced, "coalesce {given:?}");
            assert_eq!(found(Cell::MAYBE.null_if(given).is_null()).await?, coalesced, "null_if {given:?}");
            let inner = Cell::find_all().filter(Cell::MAYBE.eq(given)).select(Cell::VALUE);
            assert_eq!(found(Cell::MAYBE.in_query(inner.clone())).await?, not_null, "in_query {given:?}");
            assert_eq!(found(Cell::VALUE.not_in_query(inner)).await?, [0_i64; 0], "not_in_query {given:?}");
            let one = Cell::find_all().filter(Cell::MAYBE.eq(given)).order_by(Cell::ID.asc()).limit(1).select(Cell::MAYBE);
            assert_eq!(found(Cell::VALUE.to_expr().eq(scalar(one))).await?, ids(&$rows, |value, _| value == given), "scalar {given:?}");
        }
        assert_eq!(found(Cell::MAYBE.is_null()).await?, ids(&$rows, |_, maybe| maybe.is_none()));
        assert_eq!(found(Cell::MAYBE.eq(None)).await?, ids(&$rows, |_, maybe| maybe.is_none()));
        assert_eq!(found(Cell::MAYBE.ne(None)).await?, not_null);
        assert_eq!(found(Cell::MAYBE.is_same(None)).await?, ids(&$rows, |_, maybe| maybe.is_none()));
        assert_eq!(found(Cell::MAYBE.not_in([None::<Kind>])).await?, not_null);
        assert_eq!(found(Cell::VALUE.is_in(&$values)).await?.len(), $rows.len());
        assert_eq!(found(Cell::VALUE.not_in(&$values)).await?, [0_i64; 0]);
        assert_eq!(found(Cell::VALUE.eq(Cell::MAYBE)).await?, ids(&$rows, |value, maybe| maybe == Some(value)));
        assert_eq!(found(Cell::MAYBE.eq(Cell::VALUE)).await?, ids(&$rows, |value, maybe| maybe == Some(value)));
        assert_eq!(found(Cell::MAYBE.is_not_same(Cell::VALUE)).await?, ids(&$rows, |value, maybe| maybe != Some(value)));
        let all = || Cell::find_all().order_by(Cell::ID.asc());
        let picked: Vec<(Kind, Option<Kind>, Kind)> =
            all().select((Cell::VALUE, Cell::MAYBE, coalesce(Cell::MAYBE, Cell::VALUE))).exec(&$db).await?;
        let wanted: Vec<_> =
            $rows.iter().map(|(_, value, maybe)| (value.clone(), maybe.clone(), maybe.clone().unwrap_or(value.clone()))).collect();
        assert_eq!(picked, wanted);
        let first = $values[0].clone();
        let cases: Vec<Kind> =
            all().select(when(Cell::MAYBE.is_null(), Cell::VALUE).otherwise(coalesce(Cell::MAYBE, first))).exec(&$db).await?;
        assert_eq!(cases, wanted.iter().map(|row| row.2.clone()).collect::<Vec<_>>());
        let earlier: Vec<Option<Kind>> = all().select(lag(Cell::VALUE).over(Window::new().order_by(Cell::ID.asc()))).exec(&$db).await?;
        assert_eq!(
            earlier,
            [None].into_iter().chain($rows.iter().take($rows.len() - 1).map(|row| Some(row.1.clone()))).collect::<Vec<_>>()
        );
        let updated = Cell::update_all().set(Cell::MAYBE, Cell::VALUE).filter(Cell::ID.lte(2)).exec(&$db).await?;
        assert_eq!(updated, 2);
        assert_eq!(found(Cell::ID.lte(2).and(Cell::VALUE.eq(Cell::MAYBE))).await?, [1, 2]);
        for (id, _, maybe) in $rows.iter().take(2) {
            Cell::update_all().set(Cell::MAYBE, maybe.clone()).filter(Cell::ID.eq(*id)).exec(&$db).await?;
        }
    };
}

/// What types that group have: distinct, groups, counts of different values, unions.
macro_rules! groups {
    ($db:ident, $rows:ident, $values:ident) => {
        let count = $values.len();
        let different: Vec<Kind> = Cell::find_all().select(Cell::VALUE).distinct().exec(&$db).await?;
        assert_eq!(different.len(), count, "distinct {different:?}");
        let (values, maybes): (i64, i64) =
            Cell::find_all().select((count_distinct(Cell::VALUE), count_distinct(Cell::MAYBE))).one().exec(&$db).await?;
        assert_eq!((values, maybes), (count as i64, count as i64));
        let grouped: Vec<(Kind, i64, i64)> = Cell::find_all()
            .select((Cell::VALUE, count_all(), sequor::prelude::count(Cell::MAYBE)))
            .group_by(Cell::VALUE)
            .exec(&$db)
            .await?;
        assert_eq!(grouped.len(), count, "{grouped:?}");
        assert!(grouped.iter().all(|group| group.1 == count as i64 + 1 && group.2 == count as i64), "{grouped:?}");
        let nulls: Vec<(Option<Kind>, i64)> =
            Cell::find_all().select((Cell::MAYBE, count_all())).group_by(Cell::MAYBE).having(Cell::MAYBE.is_null()).exec(&$db).await?;
        assert_eq!(nulls, [(None, count as i64)]);
        let both: Vec<Kind> = Cell::find_all().select(Cell::VALUE).union(Cell::find_all().select(Cell::VALUE)).exec(&$db).await?;
        assert_eq!(both.len(), count);
        let both: Vec<Option<Kind>> = Cell::find_all()
            .select(Cell::MAYBE)
            .except(Cell::find_all().filter(Cell::MAYBE.is_not_null()).select(Cell::MAYBE))
            .exec(&$db)
            .await?;
        assert_eq!(both, [None]);
        let per_value: Vec<i64> = Cell::find_all()
            .select(row_number().over(Window::new().partition_by(Cell::VALUE).order_by(Cell::ID.asc())))
            .order_by(Cell::ID.asc())
            .exec(&$db)
            .await?;
        assert_eq!(per_value, $rows.iter().map(|row| (row.0 - 1) % (count as i64 + 1) + 1).collect::<Vec<_>>());
        let firsts = Cell::find_all().distinct_on(Cell::VALUE).order_by((Cell::VALUE.asc(), Cell::ID.desc())).exec(&$db).await?;
        let mut last: Vec<i64> = firsts.iter().map(|row| row.id).collect();
        last.sort_unstable();
        assert_eq!(last, (1..=count as i64).map(|number| number * (count as i64 + 1)).collect::<Vec<_>>());
    };
}

/// What types with an order have: comparisons, between, orders, smallest and largest, cursors.
macro_rules! orders {
    ($db:ident, $rows:ident, $values:ident) => {
        use Ordering::{Equal, Greater, Less};
        let found = async |filter: Filter<Cell>| Cell::find_all().filter(filter).select(Cell::ID).order_by(Cell::ID.asc()).exec(&$db).await;
        for given in &$values {
            let some = Some(given);
            assert_eq!(found(Cell::VALUE.gt(given)).await?, ids(&$rows, |value, _| compared(value, some, &[Greater])), "gt {given:?}");
            assert_eq!(
                found(Cell::VALUE.gte(given)).await?,
                ids(&$rows, |value, _| compared(value, some, &[Greater, Equal])),
                "gte {given:?}"
            );
            assert_eq!(found(Cell::VALUE.lt(given)).await?, ids(&$rows, |value, _| compared(value, some, &[Less])), "lt {given:?}");
            assert_eq!(
                found(Cell::MAYBE.lte(given)).await?,
                ids(&$rows, |_, maybe| compared(given, maybe, &[Greater, Equal])),
                "lte {given:?}"
            );
            assert_eq!(found(Cell::MAYBE.gt(given)).await?, ids(&$rows, |_, maybe| compared(given, maybe, &[Less])), "maybe gt {given:?}");
            let (low, high) = (&$values[0], given);
            let inside = |value: &Kind| compared(value, Some(low), &[Greater, Equal]) && compared(value, Some(high), &[Less, Equal]);
            assert_eq!(found(Cell::VALUE.between(low, high)).await?, ids(&$rows, |value, _| inside(value)), "between {given:?}");
            assert_eq!(
                found(Cell::MAYBE.not_between(low, high)).await?,
                ids(&$rows, |_, maybe| maybe.is_some_and(|maybe| !inside(maybe))),
                "not between {given:?}"
            );
        }
        assert_eq!(found(Cell::VALUE.gt(Cell::MAYBE)).await?, ids(&$rows, |value, maybe| compared(value, maybe, &[Greater])));
        assert_eq!(found(Cell::MAYBE.gte(Cell::VALUE)).await?, ids(&$rows, |value, maybe| compared(value, maybe, &[Less, Equal])));
        assert_eq!(
            found(Cell::VALUE.between(Cell::MAYBE, Cell::VALUE)).await?,
            ids(&$rows, |value, maybe| compared(value, maybe, &[Greater, Equal]))
        );
        let (first, last) = ($values.first().cloned(), $values.last().cloned());
        let ends: (Option<Kind>, Option<Kind>, Option<Kind>, Option<Kind>) =
            Cell::find_all().select((min(Cell::VALUE), max(Cell::VALUE), min(Cell::MAYBE), max(Cell::MAYBE))).one().exec(&$db).await?;
        assert_eq!(ends, (first.clone(), last.clone(), first.clone(), last.clone()));
        let none: Option<Kind> = Cell::find_all().filter(Cell::ID.lt(0)).select(max(Cell::VALUE)).one().exec(&$db).await?;
        assert_eq!(none, None);
        let ends: Vec<(Option<Kind>, Option<Kind>)> = Cell::find_all()
            .select((min(Cell::VALUE), max(Cell::MAYBE)))
            .group_by(Cell::VALUE)
            .having(max(Cell::MAYBE).eq(last.clone()))
            .order_by(min(Cell::VALUE).asc())
            .exec(&$db)
            .await?;
        assert_eq!(ends, $values.iter().map(|value| (Some(value.clone()), last.clone())).collect::<Vec<_>>());
        let pair: Vec<(Kind, Kind)> = Cell::find_all()
            .filter(Cell::MAYBE.is_not_null())
            .select((greatest(Cell::VALUE, coalesce(Cell::MAYBE, Cell::VALUE)), least(Cell::VALUE, coalesce(Cell::MAYBE, Cell::VALUE))))
            .order_by(Cell::ID.asc())
            .exec(&$db)
            .await?;
        let wanted: Vec<(Kind, Kind)> = $rows
            .iter()
            .filter_map(|(_, value, maybe)| Some((value.clone(), maybe.clone()?)))
            .map(|(a, b)| if a >= b { (a, b) } else { (b, a) })
            .collect();
        assert_eq!(pair, wanted);
        let (nothing, place) =
            (Option::<usize>::None, |value: Option<&Kind>| value.and_then(|value| $values.iter().position(|known| known == value)));
        for (order, backwards, nulls_first) in [
            (Cell::MAYBE.asc_nulls_first(), false, true),
            (Cell::MAYBE.asc_nulls_last(), false, false),
            (Cell::MAYBE.desc_nulls_first(), true, true),
            (Cell::MAYBE.desc_nulls_last(), true, false),
        ] {
            let mut wanted: Vec<(i64, Option<usize>)> = $rows.iter().map(|row| (row.0, place(row.2.as_ref()))).collect();
            wanted.sort_by(|a, b| {
                let by = match (a.1, b.1) {
                    (None, None) => Equal,
                    (None, _) => {
                        if nulls_first {
                            Less
                        } else {
                            Greater
                        }
                    }
                    (_, None) => {
                        if nulls_first {
                            Greater
                        } else {
                            Less
                        }
                    }
                    (a, b) => {
                        if backwards {
                            b.cmp(&a)
                        } else {
                            a.cmp(&b)
                        }
                    }
                };
                by.then(b.0.cmp(&a.0))
            });
            assert_ne!(wanted[0].1.is_none(), wanted[wanted.len() - 1].1 == nothing);
            let wanted: Vec<i64> = wanted.into_iter().map(|row| row.0).collect();
            let sorted: Vec<i64> = Cell::find_all().order_by((order.clone(), Cell::ID.desc())).select(Cell::ID).exec(&$db).await?;
            assert_eq!(sorted, wanted, "backwards {backwards}, nulls first {nulls_first}");
            let (mut cursor, mut walked, mut back) = (None, Vec::new(), None);
            loop {
                let page = Cell::find_all().order_by((order.clone(), Cell::ID.desc())).cursor(cursor, 5).exec(&$db).await?;
                walked.extend(page.rows.iter().map(|row| row.id));
                if page.next.is_none() {
                    back = back.or(page.previous);
                    break;
                }
                cursor = page.next;
            }
            assert_eq!(walked, wanted, "cursor, backwards {backwards}, nulls first {nulls_first}");
            let (mut returned, last_page) = (Vec::new(), (walked.len() - 1) / 5 * 5);
            while let Some(cursor) = back {
                let page = Cell::find_all().order_by((order.clone(), Cell::ID.desc())).cursor(Some(cursor), 5).exec(&$db).await?;
                returned.splice(0..0, page.rows.iter().map(|row| row.id));
                back = page.previous;
            }
            assert_eq!(returned, wanted[..last_page], "cursor back, backwards {backwards}, nulls first {nulls_first}");
        }
        let mut streamed = Cell::find_all().order_by((Cell::VALUE.desc(), Cell::ID.asc())).stream(&$db);
        let mut seen = Vec::new();
        while let Some(row) = streamed.next().await {
            let row = row?;
            seen.push(row.id);
        }
        let mut wanted: Vec<(Option<usize>, i64)> = $rows.iter().map(|row| (place(Some(&row.1)), row.0)).collect();
        wanted.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        assert_eq!(seen, wanted.into_iter().map(|row| row.1).collect::<Vec<_>>(), "stream");
    };
}

macro_rules! grid {
    ($(#[$attribute:meta])* $name:ident, $table:literal, $ty:ty, [$($part:ident)*], $values:expr) => {
        grid!($(#[$attribute])* $name, $table, $ty, [$($part)*], $values, "postgres", "mysql", "sqlite");
    };
    ($(#[$attribute:meta])* $name:ident, $table:literal, $ty:ty, [$($part:ident)*], $values:expr, $($database:literal),+) => {
        mod $name {
            use super::*;
            type Kind = $ty;

            #[derive(Model, Clone, Debug, PartialEq)]
            #[model(table = $table)]
            pub struct Cell {
                #[field(primary_key)]
                pub id: i64,
                $(#[$attribute])*
                pub value: $ty,
                $(#[$attribute])*
                pub maybe: Option<$ty>,
            }

            #[sequor::test(models(Cell), databases($($database),*))]
            async fn agrees(db: Db) -> sequor::Result<()> {
                let values: Vec<Kind> = $values;
                let rows = pairs(&values);
                let drafts = rows.iter().map(|(id, value, maybe)| draft!(Cell { id: *id, value: value.clone(), maybe: maybe.clone() }));
                Cell::bulk_create(drafts.collect::<Vec<_>>()).exec(&db).await?;
                $($part!(db, rows, values);)*
                Ok(())
            }
        }
    };
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

grid!(truths, "cells_truth", bool, [equalities groups orders], vec![false, true]);
grid!(tiny, "cells_tiny", i8, [equalities groups orders], vec![i8::MIN, 0, i8::MAX]);
grid!(small, "cells_small", i16, [equalities groups orders], vec![i16::MIN, -1, i16::MAX]);
grid!(medium, "cells_medium", i32, [equalities groups orders], vec![i32::MIN, 7, i32::MAX]);
grid!(large, "cells_large", i64, [equalities groups orders], vec![i64::MIN, 0, 9_007_199_254_740_993, i64::MAX]);
grid!(unsigned_tiny, "cells_utiny", u8, [equalities groups orders], vec![0, 128, u8::MAX]);
grid!(unsigned_small, "cells_usmall", u16, [equalities groups orders], vec![0, 40_000, u16::MAX]);
grid!(unsigned_medium, "cells_umedium", u32, [equalities groups orders], vec![0, 3_000_000_000, u32::MAX]);
grid!(unsigned_large, "cells_ularge", u64, [equalities groups orders], vec![0, 9_007_199_254_740_993, i64::MAX as u64]);
grid!(single, "cells_single", f32, [equalities groups orders], vec![-1.5, 0.1, 16_777_216.0, 3.0e38]);
grid!(double, "cells_double", f64, [equalities groups orders], vec![-1.0e300, -0.1, 0.1, 1.0 / 3.0, 9.0e15]);
grid!(
    #[field(db_type = "decimal(28,10)")] exact, "cells_exact", Decimal, [equalities groups orders],
    ["-2", "-1.5", "0.0000000001", "1.1", "10", "123456789012345678.0123456789"].map(|text| text.parse().unwrap()).to_vec()
);
grid!(words, "cells_text", String, [equalities groups orders], ["", "b", "ba", "bä'\"\\%_", "zz"].map(str::to_owned).to_vec());
grid!(
    #[field(validate(len(max = 40)))] short, "cells_short", String, [equalities groups orders], ["", "b", "z"].map(str::to_owned).to_vec()
);
grid!(ids_of_rows, "cells_uuid", Uuid, [equalities groups orders], [1, 0xff_u128 << 64, u128::MAX].map(Uuid::from_u128).to_vec());
grid!(
    instants, "cells_instant", DateTime<Utc>, [equalities groups orders],
    ["1969-12-31T23:59:59.999999Z", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000001Z", "9999-12-31T23:59:59Z"].map(moment).to_vec()
);
grid!(
    locals, "cells_local", NaiveDateTime, [equalities groups orders],
    ["1000-01-01T00:00:00", "2024-02-29T00:00:00", "2024-02-29T00:00:00.5"].map(|text| text.parse().unwrap()).to_vec()
);
grid!(days, "cells_day", NaiveDate, [equalities groups orders], ["1000-01-01", "2024-02-29", "9999-12-31"].map(|text| text.parse().unwrap()).to_vec());
grid!(
    clocks, "cells_clock", NaiveTime, [equalities groups orders],
    ["00:00:00", "00:00:00.000001", "09:05:00", "23:59:59.999999"].map(|text| text.parse().unwrap()).to_vec()
);
grid!(bytes, "cells_bytes", Vec<u8>, [equalities groups orders], vec![vec![], vec![0], vec![0, 255], vec![39, 92], vec![255]]);
grid!(grades, "cells_grade", Grade, [equalities groups orders], vec![Grade::Alpha, Grade::Beta, Grade::Gamma]);
// SQLite sorts and compares labels as texts.
grid!(sizes, "cells_size", Size, [equalities groups orders], vec![Size::Small, Size::Large, Size::Middle], "postgres", "mysql");
grid!(sizes_as_texts, "cells_size_text", Size, [equalities groups], vec![Size::Small, Size::Large, Size::Middle], "sqlite");
grid!(cents, "cells_cents", Cents, [equalities groups orders], vec![Cents(-1), Cents(0), Cents(i64::MAX)]);
grid!(named, "cells_named", Word, [equalities groups orders], ["a", "b"].map(|word| Word(word.into())).to_vec());
grid!(
    documents, "cells_document", Json, [equalities groups],
    [json!({ "a": [1, 2], "b": "x" }), json!([]), json!("text"), json!(1.5), json!(true), json!({})].map(Json).to_vec()
);
grid!(numbers, "cells_numbers", Vec<i32>, [equalities groups], vec![vec![], vec![1], vec![1, 2], vec![-5]]);
grid!(labels, "cells_labels", Vec<String>, [equalities groups], [vec![], vec!["a"], vec!["a", "b'\"\\,{}"]].map(|list| list.into_iter().map(str::to_owned).collect()).to_vec());
