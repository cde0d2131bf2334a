//! What applications do all day: conditions of ten values, transactions of some statements, changes and upserts of many rows.

use crate::arrays::{array, insert_column};
use crate::models::*;
use crate::raw::Fields;
use crate::workloads::{Place, person};
use bench_harness::{Case, Suite, case, timed};
use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use sequor::prelude::*;

const TEN: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people \
    WHERE id >= $1 AND id < $2 AND age > $3 AND age < $4 AND score >= $5 AND score < $6 AND active = $7 AND name <> $8 AND email <> $9 AND name LIKE $10 ORDER BY id";
const MOVE: &str = "UPDATE people SET score = $2 WHERE id = $1";
const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = $1";
const MANY: &str = "UPDATE people SET score = new.score FROM UNNEST($1::int4[], $2::float8[]) AS new(id, score) WHERE people.id = new.id";
const UPSERT: &str = "INSERT INTO inserted (name, email, age, score, active, bio, created_at, id) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::int4[], $4::float8[], $5::bool[], $6::text[], $7::timestamptz[], $8::int4[]) \
    ON CONFLICT (id) DO UPDATE SET score = excluded.score, bio = excluded.bio RETURNING id";

/// Runs all of them.
pub fn run(suite: &Suite, place: &Place) {
    ten_values(suite, place);
    transaction(suite, place);
    many_changed(suite, place);
    upsert(suite, place);
}

fn ten_values(suite: &Suite, place: &Place) {
    const PER: u32 = 10;
    let port = place.address.port();
    let (mut raw, db) = (place.raw(port), place.sequor(port));
    place.wait(raw.prepare("ten", TEN));
    let write = |index: usize, out: &mut BytesMut| {
        match index {
            0 => out.put_i32(100),
            1 => out.put_i32(1_000),
            2 => out.put_i32(10),
            3 => out.put_i32(60),
            4 => out.put_f64(60.0),
            5 => out.put_f64(450.0),
            6 => out.put_u8(1),
            7 => out.put_slice(b"nobody"),
            8 => out.put_slice(b"nobody@example.com"),
            _ => out.put_slice(b"User %"),
        }
        IsNull::No
    };
    let mut count = 0;
    let cases: Vec<Case<'_>> = vec![
        case("by hand", PER, || {
            timed(|| {
                place.wait(async {
                    for _ in 0..PER {
                        raw.execute_with("ten", 10, write);
                        raw.sync();
                        let mut rows = Vec::new();
                        raw.flush(1, |body| rows.push(person(body))).await;
                        count = rows.len();
                        assert!(count > 100);
                    }
                })
            })
        }),
        case("Sequor", PER, || {
            timed(|| {
                place.wait(async {
                    for _ in 0..PER {
                        let ids = Person::ID.gte(100).and(Person::ID.lt(1_000));
                        let ages = Person::AGE.gt(10).and(Person::AGE.lt(60));
                        let scores = Person::SCORE.gte(60.0).and(Person::SCORE.lt(450.0));
                        let names = Person::NAME.ne("nobody").and(Person::EMAIL.ne("nobody@example.com")).and(Person::NAME.like("User %"));
                        let filter = ids.and(ages).and(scores).and(Person::ACTIVE.eq(true)).and(names);
                        let rows = Person::find_all().filter(filter).order_by(Person::ID.asc()).exec(&db).await.expect("rows");
                        assert!(rows.len() > 100);
                    }
                })
            })
        }),
    ];
    suite.run("filter of 10 values", 30, cases);
}

fn transaction(suite: &Suite, place: &Place) {
    const PER: u32 = 20;
    let port = place.address.port();
    let (mut raw, db) = (place.raw(port), place.sequor(port));
    for (name, sql) in [("key", KEY), ("move", MOVE), ("begin", "BEGIN"), ("commit", "COMMIT")] {
        place.wait(raw.prepare(name, sql));
    }
    let cases: Vec<Case<'_>> = vec![
        case("by hand", PER, || {
            timed(|| {
                place.wait(async {
                    for i in 0..PER {
                        // BEGIN rides with the first statement.
                        raw.execute_with("begin", 0, |_, _| IsNull::Yes);
                        for (number, id) in [key(i), key(i + 1)].into_iter().enumerate() {
                            raw.execute("key", &[id]);
                            raw.sync();
                            let mut found = None;
                            raw.flush(1, |body| found = Some(person(body))).await;
                            assert!(found.is_some(), "{number}");
                        }
                        for id in [key(i), key(i + 1)] {
                            raw.execute_with("move", 2, |index, out| {
                                if index == 0 {
                                    out.put_i32(id)
                                } else {
                                    out.put_f64(f64::from(i))
                                }
                                IsNull::No
                            });
                            raw.sync();
                            raw.flush(1, |_| {}).await;
                        }
                        raw.execute("key", &[key(i)]);
                        raw.sync();
                        raw.flush(1, |_| {}).await;
                        raw.execute_with("commit", 0, |_, _| IsNull::Yes);
                        raw.sync();
                        raw.flush(1, |_| {}).await;
                    }
                })
            })
        }),
        case("Sequor", PER, || {
            timed(|| {
                place.wait(async {
                    for i in 0..PER {
                        let score = f64::from(i);
                        db.transaction(async |tx| {
                            for id in [key(i), key(i + 1)] {
                                Person::find_by_pk(id).or_fail().exec(tx).await?;
                            }
                            for id in [key(i), key(i + 1)] {
                                Person::update_all().set(Person::SCORE, score).filter(Person::ID.eq(id)).exec(tx).await?;
                            }
                            Person::find_by_pk(key(i)).or_fail().exec(tx).await
                        })
                        .await
                        .expect("a commit");
                    }
                })
            })
        }),
    ];
    suite.run("transaction of 5 statements", 30, cases);
}

fn many_changed(suite: &Suite, place: &Place) {
    let port = place.address.port();
    let (mut raw, db) = (place.raw(port), place.sequor(port));
    place.wait(raw.prepare("many", MANY));
    let rows = place.wait(Person::find_all().order_by(Person::ID.asc()).limit(1_000).exec(&db)).expect("rows");
    let ids: Vec<i32> = rows.iter().map(|row| row.id).collect();
    let mut turn = 0.0;
    let mut other = 0.5;
    let cases: Vec<Case<'_>> = vec![
        case("by hand, UNNEST", 1, || {
            turn += 1.0;
            timed(|| {
                place.wait(async {
                    raw.execute_with("many", 2, |index, out| {
                        if index == 0 {
                            array(out, &ids, 23, |id, out| {
                                out.put_i32(*id);
                                true
                            })
                        } else {
                            array(out, &ids, 701, |id, out| {
                                out.put_f64(f64::from(*id) + turn);
                                true
                            })
                        }
                    });
                    raw.sync();
                    raw.flush(1, |_| {}).await;
                })
            })
        }),
        case("Sequor", 1, || {
            other += 1.0;
            let edits: Vec<Edit<Person>> = rows
                .iter()
                .map(|row| {
                    let mut edit = row.clone().edit();
                    edit.score = f64::from(row.id) + other;
                    edit
                })
                .collect();
            timed(|| place.wait(async { assert!(edits.save(&db).await.expect("rows").len() == 1_000) }))
        }),
    ];
    suite.run("update of 1,000 changed rows", 15, cases);
}

fn upsert(suite: &Suite, place: &Place) {
    let port = place.address.port();
    let (mut raw, db) = (place.raw(port), place.sequor(port));
    place.wait(raw.prepare("upsert", UPSERT));
    let data = rows(1_000);
    place.wait(db.execute(sequor::sql!("TRUNCATE inserted"))).expect("an empty table");
    let keyed = || -> Vec<Draft<Inserted>> {
        let with_key = |(place, mut draft): (usize, Draft<Inserted>)| {
            draft.set(Inserted::ID, i32::try_from(place + 1).expect("a small number"));
            draft
        };
        drafts(&data).into_iter().enumerate().map(with_key).collect()
    };
    let ids: Vec<i32> = (1..=1_000).collect();
    let cases: Vec<Case<'_>> = vec![
        case("by hand, UNNEST", 1, || {
            timed(|| {
                place.wait(async {
                    raw.execute_with("upsert", 8, |index, out| {
                        if index < 7 {
                            return insert_column(index, &data, out);
                        }
                        array(out, &ids, 23, |id, out| {
                            out.put_i32(*id);
                            true
                        })
                    });
                    raw.sync();
                    let mut keys = Vec::new();
                    raw.flush(1, |body| keys.push(Fields::new(body).i32())).await;
                    assert!(keys.len() == 1_000);
                })
            })
        }),
        case("Sequor", 1, || {
            let drafts = keyed();
            timed(|| {
                place.wait(async {
                    let upsert =
                        Inserted::bulk_create(drafts).conflict_on(Inserted::ID).update_on_duplicate((Inserted::SCORE, Inserted::BIO));
                    assert!(upsert.exec(&db).await.expect("rows").len() == 1_000);
                })
            })
        }),
    ];
    suite.run("upsert of 1,000", 15, cases);
}
