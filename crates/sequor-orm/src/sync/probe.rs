//! What a server makes of our expressions: it keeps them parsed and writes them in its own way, so where texts differ it is asked how it writes ours.

use crate::catalog::text_of;
use crate::db::Db;
use crate::migrate::Session;
use sequor_core::driver::Param;
use sequor_core::error::Result;
use sequor_core::schema::{IndexDef, Schema, TableColumn, TableDef, ViewDef, Ways};
use sequor_core::types::{BindType, ScalarType};
use sequor_sql::Sql;
use sequor_sql::catalog::{CatalogPlace, PROBE, assemble, probe, probe_table, queries};

/// Takes our spelling of what is the same to the server: queries of views, expressions of tables.
pub(super) async fn compare_expressions(db: &Db, found: &mut Schema, wanted: &Schema) -> Result<()> {
    compare_views(db, &mut found.views, wanted).await?;
    for table in &mut found.tables {
        if let Some(own) = wanted.table(&table.name) {
            compare_table(db, table, own).await?;
        }
    }
    Ok(())
}

/// Servers rewrite the query of a view. Where the texts differ, the server is asked how it writes ours.
async fn compare_views(db: &Db, found: &mut [ViewDef], wanted: &Schema) -> Result<()> {
    for view in found {
        let Some(own) = wanted.views.iter().find(|own| own.name == view.name) else { continue };
        if db.dialect().query(&view.query) == db.dialect().query(&own.query) {
            continue;
        }
        let Some((make, ask, remove)) = probe(db.dialect(), &own.query) else { continue };
        let mut session = Session::connect(db).await?;
        // A query that the server refuses is different, and its error comes when the view is made.
        let mut text = None;
        if session.script(&make).await.is_ok() {
            let rows = session.rows(Sql { text: ask.to_owned(), params: Vec::new() }).await;
            text = rows.ok().and_then(|rows| rows.first().map(|row| crate::migrate::text(row.first())));
            session.script(remove).await?;
        }
        session.close().await;
        if text.is_some_and(|text| text.trim().trim_end_matches(';') == view.query.trim().trim_end_matches(';')) {
            view.query = own.query.clone();
        }
    }
    Ok(())
}

async fn compare_table(db: &Db, there: &mut TableDef, own: &TableDef) -> Result<()> {
    let dialect = db.dialect();
    let (was, is) = (dialect.physical(there)?, dialect.physical(own)?);
    let (old, new) = (Expressions::of(&was), Expressions::of(&is));
    let differ = |(key, text): &(String, String)| new.text(key).is_some_and(|other| other != text);
    if !old.0.iter().any(differ) {
        return Ok(());
    }
    let Some(made) = probed(db, own).await? else { return Ok(()) };
    let made = Expressions::of(&dialect.physical(&made)?);
    // What the server writes of ours as it writes what is there is the same.
    let same: Vec<&str> =
        old.0.iter().filter(|one| differ(one) && made.text(&one.0) == Some(&one.1)).map(|(key, _)| key.as_str()).collect();
    for column in &mut there.columns {
        let Some(ours) = own.column(&column.name) else { continue };
        take(&same, &generated_key(column), &mut column.generated, &ours.generated);
        take(&same, &check_key(&column.name), &mut column.check, &ours.check);
    }
    for check in &mut there.checks {
        if let Some(ours) = own.checks.iter().find(|ours| ours.name == check.name) {
            take(&same, &check_key(&check.name), &mut check.expression, &ours.expression);
        }
    }
    for index in &mut there.indexes {
        let Some(ours) = own.indexes.iter().find(|ours| ours.name_in(&own.name) == index.name_in(&own.name)) else { continue };
        take(&same, &index_key(index, own), &mut index.filter, &ours.filter);
        take(&same, &index_key(index, own), &mut index.parts, &ours.parts);
    }
    Ok(())
}

fn take<T: Clone>(same: &[&str], key: &str, there: &mut T, ours: &T) {
    if same.contains(&key) {
        there.clone_from(ours);
    }
}

fn generated_key(column: &TableColumn) -> String {
    format!("generated {}", column.name)
}

fn check_key(name: &str) -> String {
    format!("check {name}")
}

fn index_key(index: &IndexDef, table: &TableDef) -> String {
    format!("index {}", index.name_in(&table.name))
}

/// The expressions of a table by where they stand.
struct Expressions(Vec<(String, String)>);

impl Expressions {
    fn of(table: &TableDef) -> Expressions {
        let mut found = Vec::new();
        for column in &table.columns {
            found.extend(column.generated.as_ref().map(|one| (generated_key(column), one.expression.to_string())));
            found.extend(column.check.as_ref().map(|check| (check_key(&column.name), check.to_string())));
        }
        found.extend(table.checks.iter().map(|check| (check_key(&check.name), check.expression.to_string())));
        for index in &table.indexes {
            let parts = index.parts.iter().filter_map(|part| part.expression.as_deref());
            let texts: Vec<&str> = index.filter.as_deref().into_iter().chain(parts).collect();
            if !texts.is_empty() {
                found.push((index_key(index, table), texts.join("; ")));
            }
        }
        Expressions(found)
    }

    fn text(&self, key: &str) -> Option<&String> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, text)| text)
    }
}

/// A table as the server describes it when it is made; `None` where it cannot be made.
async fn probed(db: &Db, own: &TableDef) -> Result<Option<TableDef>> {
    let dialect = db.dialect();
    let Some(probe) = probe_table(dialect, own)? else { return Ok(None) };
    let mut session = Session::connect(db).await?;
    if dialect.transactional_ddl() {
        session.begin().await?;
    }
    let mut made = Ok(());
    for sql in &probe.create {
        made = session.script(sql).await;
        if made.is_err() {
            break;
        }
    }
    // What the server refuses is different, and its error comes when it is done.
    let read = if made.is_ok() { describe(&mut session, dialect, probe.place).await.map(Some) } else { Ok(None) };
    if dialect.transactional_ddl() {
        session.rollback().await;
    } else {
        session.script(probe.remove).await?;
    }
    session.close().await;
    let Some(mut found) = read? else { return Ok(None) };
    let (tables, mut left) = (std::mem::take(&mut found.tables), None);
    for mut table in tables.into_iter().filter(|table| table.name.name == PROBE) {
        probe.restore(own, &mut table);
        left = Some(table);
    }
    Ok(left)
}

async fn describe(session: &mut Session, dialect: sequor_sql::Dialect, place: Option<&str>) -> Result<Schema> {
    let schema = match place {
        Some(query) => crate::migrate::text(
            session.rows(Sql { text: query.to_owned(), params: Vec::new() }).await?.first().and_then(|row| row.first()),
        ),
        None => String::new(),
    };
    let mut rows = Vec::new();
    for query in queries(dialect) {
        let params = [schema.as_str(), PROBE].map(|text| Param { value: text.into(), bind: BindType::one(ScalarType::Text) });
        let found = session.rows(Sql { text: (*query).to_owned(), params: params.to_vec() }).await?;
        rows.push(found.into_iter().map(|row| row.into_iter().map(text_of).collect()).collect());
    }
    Ok(assemble(dialect, rows, CatalogPlace::default()))
}
