//! The peers, each as its own documentation advises.

mod mysql_async_peer;
#[path = "../../sea_orm_peer.rs"]
mod sea_orm_peer;
mod sqlx_peer;

use crate::models::New;
use crate::workloads::Place;
use bench_harness::Case;

/// One connection of each.
pub struct Peers<'a> {
    mysql_async: mysql_async_peer::Peer<'a>,
    sqlx: sqlx_peer::Peer<'a>,
    sea_orm: sea_orm_peer::Peer<'a>,
}

impl<'a> Peers<'a> {
    pub fn connect(place: &'a Place) -> Self {
        Peers {
            mysql_async: mysql_async_peer::Peer::connect(place),
            sqlx: sqlx_peer::Peer::connect(place),
            sea_orm: sea_orm_peer::Peer::connect(place, format!("mysql://sequor:sequor@{}/sequor", place.address), 9_000),
        }
    }

    pub fn find_by_key(&self, per: u32) -> Vec<Case<'_>> {
        vec![self.mysql_async.find_by_key(per), self.sqlx.find_by_key(per), self.sea_orm.find_by_key(per)]
    }

    pub fn rows(&self, per: u32, count: u32) -> Vec<Case<'_>> {
        vec![self.mysql_async.rows(per, count), self.sqlx.rows(per, count), self.sea_orm.rows(per, count)]
    }

    pub fn insert<'b>(&'b self, data: &'b [New], empty: &'b dyn Fn()) -> Vec<Case<'b>> {
        vec![self.mysql_async.insert(data, empty), self.sqlx.insert(data, empty), self.sea_orm.insert(data, empty)]
    }

    pub fn create_one<'b>(&'b self, data: &'b [New]) -> Vec<Case<'b>> {
        vec![self.sqlx.create_one(data), self.sea_orm.create_one(data)]
    }

    pub fn include(&self, count: i32) -> Vec<Case<'_>> {
        vec![self.sea_orm.include(count)]
    }
}
