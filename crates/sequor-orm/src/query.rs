//! [`QueryState`]: the untyped inside of every query, and the builders around it.

mod clauses;
mod filter;
mod find;
mod functions;
mod include;
mod json;
mod order;
mod page;
mod projection;
mod raw;
mod reshape;
mod select;
mod shape;
mod stream;
mod subquery;
mod union;

pub use clauses::{Clauses, Deleted, IncludeState, NamedQuery, QueryState, Strategy};
pub(crate) use clauses::{ShownQuery, by_keys, taken_apart};
pub use filter::Filter;
pub(crate) use find::key_filter;
pub use find::{Find, Lock, ModelQueries, Scope, SqlTag};
pub use functions::{
    Case, FrameBound, IntoProjected, IntoTyped, Window, WindowCall, alias, avg, cast_text, coalesce, count, count_all, count_distinct,
    cume_dist, date_part, date_trunc, dense_rank, first_value, function, greatest, lag, lag_by, last_value, lead, lead_by, least,
    match_rank, matches, max, min, nth_value, ntile, percent_rank, random, rank, raw_expr, row_number, string_agg, sum, when,
};
pub use include::Include;
pub(crate) use json::{Place, bind_value, expression, is_value, json_path, named, relation_of, told, unknown_option};
pub use json::{Policy, clauses_from_json, query_language_schema};
pub(crate) use json::{check_getter_options, check_write_options};
pub(crate) use json::{condition_text, own_condition};
pub use order::{IntoOrder, Order};
pub use page::{Cursor, CursorPage, Page, RowsAndCount};
pub(crate) use page::{Key, after as after_keys, field_position as key_position, keys_of, marks_fit, total_order};
pub use projection::ProjectionList;
pub(crate) use projection::{ListRows, field_of, lists_of, spread};
pub use projection::{Presence, Projection, ProjectionItem};
pub use raw::{FromRow, RawSql, raw_value};
pub(crate) use raw::{Reordered, map_names, too_few};
pub use reshape::WholeShape;
pub use select::{Columns, Selection};
pub use shape::{All, Counted, Cursored, Fetch, GrainShape, Mapped, One, Only, OrFail, Paged, Picked, Projected, Shape, Total, Whole};
pub use stream::{Batches, RowStream};
pub(crate) use subquery::among_query;
pub use subquery::{OneColumn, Tuple, outer, scalar, tuple};
