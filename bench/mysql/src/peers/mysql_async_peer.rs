//! mysql_async by hand: `Queryable::exec` caches its statements (https://docs.rs/mysql_async); many rows a hundred at a time in a transaction.

use crate::models::{New, key};
use crate::workloads::Place;
use bench_harness::{Case, case, timed};
use chrono::NaiveDateTime;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Params, TxOpts, Value};
use std::cell::RefCell;

const KEY: &str = "SELECT id, name, email, age, score, active, bio, created_at FROM people WHERE id = ?";
type Columns = (i32, String, String, Option<i32>, f64, bool, Option<String>, NaiveDateTime);

pub struct Peer<'a> {
    place: &'a Place,
    connection: RefCell<Conn>,
}

fn person((id, name, email, age, score, active, bio, created_at): Columns) -> crate::models::Person {
    crate::models::Person { id, name, email, age, score, active, bio, created_at: created_at.and_utc() }
}

impl<'a> Peer<'a> {
    pub fn connect(place: &'a Place) -> Self {
        let (host, port) = place.address.split_once(':').expect("host:port");
        let options = OptsBuilder::default()
            .ip_or_hostname(host)
            .tcp_port(port.parse().expect("a port"))
            .user(Some("sequor"))
            .pass(Some("sequor"))
            .db_name(Some("sequor"))
            .prefer_socket(false);
        Peer { place, connection: RefCell::new(place.wait(Conn::new(options)).expect("a connection")) }
    }

    pub fn find_by_key(&self, per: u32) -> Case<'_> {
        case("mysql_async by hand", per, move || {
            timed(|| {
                self.place.wait(async {
                    for i in 0..per {
                        let row: Option<Columns> = self.connection.borrow_mut().exec_first(KEY, (key(i),)).await.expect("an answer");
                        std::hint::black_box(person(row.expect("a row")));
                    }
                })
            })
        })
    }

    pub fn rows(&self, per: u32, count: u32) -> Case<'_> {
        let sql = KEY.replace(" WHERE id = ?", "");
        let sql = if count == 10000 { sql } else { format!("{sql} ORDER BY id LIMIT {count}") };
        case("mysql_async by hand", per, move || {
            timed(|| {
                self.place.wait(async {
                    for _ in 0..per {
                        let rows = self.connection.borrow_mut().exec_map(&sql, (), person).await.expect("rows");
                        assert!(rows.len() == count as usize);
                    }
                })
            })
        })
    }

    pub fn insert<'b>(&'b self, data: &'b [New], empty: &'b dyn Fn()) -> Case<'b> {
        let chunk = data.len().min(100);
        let lists = vec!["(?,?,?,?,?,?,?)"; chunk].join(",");
        let sql = format!("INSERT INTO inserted (name, email, age, score, active, bio, created_at) VALUES {lists}");
        case("mysql_async by hand, 100 a statement", 1, move || {
            empty();
            timed(|| {
                self.place.wait(async {
                    let mut connection = self.connection.borrow_mut();
                    let mut transaction = connection.start_transaction(TxOpts::default()).await.expect("a transaction");
                    for rows in data.chunks(chunk) {
                        let mut values: Vec<Value> = Vec::with_capacity(rows.len() * 7);
                        for row in rows {
                            values.extend([Value::from(&row.name), Value::from(&row.email), Value::from(row.age), Value::from(row.score)]);
                            values.extend([Value::from(row.active), Value::from(&row.bio), Value::from(row.created_at.naive_utc())]);
                        }
                        transaction.exec_drop(&sql, Params::Positional(values)).await.expect("rows");
                    }
                    transaction.commit().await.expect("a commit");
                })
            })
        })
    }
}
