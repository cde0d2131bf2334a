//! The peers, each as its own documentation advises: statements prepared once, rows decoded into structs, pools without a test before each use
//! where the documentation offers that.

mod diesel_peer;
#[path = "../../sea_orm_peer.rs"]
mod sea_orm_peer;
mod sqlx_peer;
mod tokio_postgres_peer;

use crate::models::New;
use crate::workloads::Place;
use bench_harness::Case;
use tokio::runtime::Runtime;

/// One connection of each.
pub struct Peers<'a> {
    tokio_postgres: tokio_postgres_peer::Peer<'a>,
    sqlx: sqlx_peer::Peer<'a>,
    diesel: diesel_peer::Peer<'a>,
    sea_orm: sea_orm_peer::Peer<'a>,
}

impl<'a> Peers<'a> {
    pub fn connect(place: &'a Place) -> Self {
        Self::connect_at(place, place.address.port())
    }

    pub fn connect_at(place: &'a Place, port: u16) -> Self {
        Peers {
            tokio_postgres: tokio_postgres_peer::Peer::connect(place, port),
            sqlx: sqlx_peer::Peer::connect(place, port),
            diesel: diesel_peer::Peer::connect(place, port),
            sea_orm: sea_orm_peer::Peer::connect(place, place.url(port), 9_000),
        }
    }

    pub fn find_by_key(&self, per: u32) -> Vec<Case<'_>> {
        let mut cases = vec![self.tokio_postgres.find_by_key(per), self.sqlx.find_by_key(per)];
        cases.extend(self.diesel.find_by_key(per));
        cases.push(self.sea_orm.find_by_key(per));
        cases
    }

    pub fn rows(&self, per: u32, count: u32) -> Vec<Case<'_>> {
        let mut cases = vec![self.tokio_postgres.rows(per, count), self.sqlx.rows(per, count)];
        cases.extend(self.diesel.rows(per, count));
        cases.push(self.sea_orm.rows(per, count));
        cases
    }

    pub fn insert<'b>(&'b self, data: &'b [New], empty: &'b dyn Fn()) -> Vec<Case<'b>> {
        vec![
            self.tokio_postgres.insert(data, empty),
            self.sqlx.insert(data, empty),
            self.diesel.insert(data, empty),
            self.sea_orm.insert(data, empty),
        ]
    }

    pub fn create_one<'b>(&'b self, data: &'b [New]) -> Vec<Case<'b>> {
        vec![self.tokio_postgres.create_one(data), self.sqlx.create_one(data), self.diesel.create_one(data), self.sea_orm.create_one(data)]
    }

    pub fn include(&self, count: i32) -> Vec<Case<'_>> {
        vec![self.tokio_postgres.include(count), self.diesel.include(count), self.sea_orm.include(count)]
    }
}

/// Pools of ten.
pub struct Pools {
    deadpool: deadpool_postgres::Pool,
    sqlx: sqlx::PgPool,
}

impl Pools {
    pub fn connect(place: &Place, runtime: &Runtime) -> Self {
        Pools { deadpool: tokio_postgres_peer::pool(place, runtime), sqlx: sqlx_peer::pool(place, runtime) }
    }

    pub fn tasks<'b>(&'b self, runtime: &'b Runtime, tasks: u32, per: u32) -> Vec<Case<'b>> {
        vec![tokio_postgres_peer::tasks(&self.deadpool, runtime, tasks, per), sqlx_peer::tasks(&self.sqlx, runtime, tasks, per)]
    }
}
