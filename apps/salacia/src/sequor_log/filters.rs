//! Filters, orders and places of the log as Sequor's.

use crate::models::{AiInteraction, AiProvider};
use crate::search_index::{self, SearchIndex};
use salacia_log::{Direction, Filters, PageField, Place, SliceField, SliceQuery, indexed_words};
use sequor::prelude::*;

/// All filters, joined by AND: a cursor's condition is one more, so it can never replace the search.
pub fn condition(db: &Db, filters: &Filters) -> Filter<AiInteraction> {
    joined(db, filters, true, AiInteraction::MODEL.eq(filters.model.as_deref().unwrap_or_default()))
}

/// [`condition`] of rows that are read in the log's order until there are enough; without the index of full search where its words are in so many rows that they
/// are found sooner so.
pub fn in_order(db: &Db, filters: &Filters, index: bool) -> Filter<AiInteraction> {
    let model = filters.model.as_deref().unwrap_or_default();
    // By its index of models SQLite would find all interactions of one, and sort them whole for the twenty of a list; a sign before the column keeps it from that.
    let sorts = db.dialect() == Dialect::Sqlite && db.extras().get::<SearchIndex>().is_none();
    let of_model = if sorts { Filter::raw(sql!("+{AiInteraction::MODEL} = {model}")) } else { AiInteraction::MODEL.eq(model) };
    joined(db, filters, index, of_model)
}

fn joined(db: &Db, filters: &Filters, index: bool, of_model: Filter<AiInteraction>) -> Filter<AiInteraction> {
    let error = |has: bool| if has { AiInteraction::ERROR.is_not_null() } else { AiInteraction::ERROR.is_null() };
    let index = index && db.dialect() == Dialect::Sqlite && db.extras().get::<SearchIndex>().is_some();
    let indexed = filters.search_term.as_deref().filter(|_| index).and_then(indexed_words);
    let all = [
        filters.model.is_some().then_some(of_model),
        filters.provider.as_ref().map(|name| AiInteraction::PROVIDER.is(AiProvider::NAME.eq(name))),
        filters.start_date.map(|start| AiInteraction::CREATED_AT.gte(start)),
        filters.end_date.map(|end| AiInteraction::CREATED_AT.lte(end)),
        filters.has_error.map(error),
        filters.min_tokens.map(|least| AiInteraction::TOTAL_TOKENS.gte(least)),
        filters.max_tokens.map(|most| AiInteraction::TOTAL_TOKENS.lte(most)),
        filters.min_response_time.map(|least| AiInteraction::RESPONSE_TIME_MS.gte(least)),
        filters.max_response_time.map(|most| AiInteraction::RESPONSE_TIME_MS.lte(most)),
        filters.search_term.as_ref().map(|term| search(db, term)),
        indexed.map(search_index::holding),
    ];
    Filter::all_of(all.into_iter().flatten())
}

/// In the text of request or response, in any case.
///
/// PostgreSQL's ILIKE makes the small letters of each text by its locale, one by one. A term of ASCII is found as well among texts of which only the letters of ASCII
/// were made small, in little more than half the time. An index of trigrams serves ILIKE alone.
fn search(db: &Db, term: &str) -> Filter<AiInteraction> {
    if db.dialect() == Dialect::Postgres && term.is_ascii() && !search_index::serves(db, term) {
        let term = term.to_ascii_lowercase();
        return Filter::raw(sql!(
            "(strpos(lower(CAST(request AS text) COLLATE \"C\"), {term}) > 0 OR strpos(lower(CAST(response AS text) COLLATE \"C\"), {term}) > 0)"
        ));
    }
    AiInteraction::REQUEST.as_text().icontains(term).or(AiInteraction::RESPONSE.as_text().icontains(term))
}

/// One of the first so many rows that the query lets through without its search.
pub fn first(db: &Db, query: &SliceQuery, direction: Direction, count: u64) -> Filter<AiInteraction> {
    let filters = Filters { search_term: None, ..query.filters.clone() };
    let mut rows = AiInteraction::find_all().filter(in_order(db, &filters, true));
    if let Some(place) = &query.place {
        rows = rows.filter(behind(place, query.field, direction));
    }
    AiInteraction::ID.in_query(slice_order(rows, query.field, direction).limit(count).select(AiInteraction::ID))
}

/// Behind a place, in the direction of reading. Cursors are the app's own, because both data layers have to understand them.
pub fn behind(place: &Place, field: SliceField, direction: Direction) -> Filter<AiInteraction> {
    let (time, id) = (AiInteraction::CREATED_AT, AiInteraction::ID);
    match (field, direction) {
        (SliceField::Id, Direction::Ascending) => id.gt(place.id),
        (SliceField::Id, Direction::Descending) => id.lt(place.id),
        // The first condition is what an index of the time can begin at.
        (SliceField::CreatedAt, Direction::Ascending) => time.gte(place.created_at).and(time.gt(place.created_at).or(id.gt(place.id))),
        (SliceField::CreatedAt, Direction::Descending) => time.lte(place.created_at).and(time.lt(place.created_at).or(id.lt(place.id))),
    }
}

pub fn slice_order(find: Find<AiInteraction>, field: SliceField, direction: Direction) -> Find<AiInteraction> {
    let (time, id) = (AiInteraction::CREATED_AT, AiInteraction::ID);
    match (field, direction) {
        (SliceField::Id, Direction::Ascending) => find.order_by(id.asc()),
        (SliceField::Id, Direction::Descending) => find.order_by(id.desc()),
        (SliceField::CreatedAt, Direction::Ascending) => find.order_by((time.asc(), id.asc())),
        (SliceField::CreatedAt, Direction::Descending) => find.order_by((time.desc(), id.desc())),
    }
}

pub fn page_order(find: Find<AiInteraction>, field: PageField, direction: Direction) -> Find<AiInteraction> {
    let find = match (field, direction) {
        (PageField::CreatedAt, Direction::Ascending) => find.order_by(AiInteraction::CREATED_AT.asc()),
        (PageField::CreatedAt, Direction::Descending) => find.order_by(AiInteraction::CREATED_AT.desc()),
        (PageField::Model, Direction::Ascending) => find.order_by(AiInteraction::MODEL.asc()),
        (PageField::Model, Direction::Descending) => find.order_by(AiInteraction::MODEL.desc()),
        (PageField::TotalTokens, Direction::Ascending) => find.order_by(AiInteraction::TOTAL_TOKENS.asc_nulls_first()),
        (PageField::TotalTokens, Direction::Descending) => find.order_by(AiInteraction::TOTAL_TOKENS.desc_nulls_last()),
        (PageField::ResponseTime, Direction::Ascending) => find.order_by(AiInteraction::RESPONSE_TIME_MS.asc_nulls_first()),
        (PageField::ResponseTime, Direction::Descending) => find.order_by(AiInteraction::RESPONSE_TIME_MS.desc_nulls_last()),
    };
    match direction {
        Direction::Ascending => find.order_by(AiInteraction::ID.asc()),
        Direction::Descending => find.order_by(AiInteraction::ID.desc()),
    }
}
