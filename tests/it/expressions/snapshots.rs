//! The SQL of every construct: one file each, the dialects side by side. The guide shows the same text, and a test holds it to that.

use super::matches::Paper;
use super::models::*;
use super::ranges::Booking;
use sequor::prelude::*;
use sequor::{FrameBound, Window, dense_rank, first_value, function, greatest, lag, last_value, lead, ntile, rank, string_agg, tuple};
use std::fmt::Write;

/// The texts of a query on each dialect.
fn texts<M, S: sequor::Shape>(find: &Find<M, S>) -> String {
    let mut all = String::new();
    for (dialect, name) in [(Dialect::Postgres, "PostgreSQL"), (Dialect::Mariadb, "MySQL, MariaDB"), (Dialect::Sqlite, "SQLite")] {
        let text = find.to_sql(dialect).unwrap_or_else(|error| format!("error: {error}"));
        // The whole rows' columns are the same everywhere and hide what matters.
        let columns = ["id", "title", "note", "stock", "price", "labels", "data", "sold_at", "category_id"];
        let quoted = |quote: char| columns.map(|column| format!("t0.{quote}{column}{quote}")).join(", ");
        let text = text.replace(&quoted('"'), "t0.*").replace(&quoted('`'), "t0.*");
        let _ = write!(all, "-- {name}\n{text}\n");
    }
    all
}

fn all() -> Find<Article> {
    Article::find_all()
}

fn find(filter: Filter<Article>) -> Find<Article> {
    all().filter(filter)
}

fn list(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn comparisons() -> Vec<(&'static str, String)> {
    vec![
        ("null_safe", texts(&find(Article::NOTE.is_same("old")))),
        ("in_list", texts(&find(Article::ID.is_in([1, 2, 3])))),
        ("in_empty", texts(&find(Article::ID.is_in(Vec::<i64>::new())))),
        ("not_in_null", texts(&find(Article::NOTE.not_in([Some("a".to_owned()), None])))),
        ("between", texts(&find(Article::STOCK.between(1, 5)))),
        ("contains", texts(&find(Article::TITLE.contains("100%")))),
        ("ilike", texts(&find(Article::TITLE.ilike("é%")))),
        ("regexp", texts(&find(Article::TITLE.iregexp("^b")))),
        ("matches", texts(&find(Article::TITLE.matches("two words")))),
        ("columns", texts(&find((Article::STOCK * 2).gt(Article::STOCK + 1)))),
        ("lists", texts(&find(Article::LABELS.contains_all(list(&["sweet"]))))),
        ("lists_overlap", texts(&find(Article::LABELS.overlaps(list(&["sweet"]))))),
    ]
}

/// What has a family: one file shows its members.
fn families() -> Vec<(&'static str, String)> {
    let both = |filters: Vec<Filter<Article>>| texts(&find(Filter::all_of(filters)).select(Article::ID));
    let booked = |filters: Vec<Filter<Booking>>| texts(&Booking::find_all().filter(Filter::all_of(filters)).select(Booking::ID));
    let (stock, title, note) = (Article::STOCK, Article::TITLE, Article::NOTE);
    let seats = Booking::SEATS;
    vec![
        (
            "compare",
            both(vec![stock.eq(1), stock.ne(2), stock.gt(3), stock.gte(4), stock.lt(5), stock.lte(6), note.is_null(), note.is_not_null()]),
        ),
        ("logic", texts(&find(!(stock.eq(1).or(stock.eq(2).and(title.eq("x"))))).select(Article::ID))),
        ("like", both(vec![title.like("a%"), title.not_like("b_"), title.starts_with("c"), title.ends_with("d"), title.not_ilike("e")])),
        ("icontains", both(vec![title.icontains("a"), title.istarts_with("b"), title.iends_with("c")])),
        ("lists_has", both(vec![Article::LABELS.has("a"), Article::LABELS.contained_in(["b"]), Article::LABELS.count_elements().gt(1)])),
        ("lists_all", texts(&find(Article::LABELS.all_below("m")).select(Article::ID))),
        (
            "ranges",
            booked(vec![
                seats.contains_value(1),
                seats.contains_range(1..2),
                seats.within(0..),
                seats.overlaps_range(..=3),
                seats.eq(1..5),
            ]),
        ),
        (
            "ranges_beside",
            booked(vec![
                seats.adjacent_to(5..6),
                seats.before(7..),
                seats.after(..0),
                seats.ends_no_later(..9),
                seats.begins_no_earlier(1..),
            ]),
        ),
        ("tuple_list", texts(&find(tuple((stock, title)).is_in([(1, "a"), (2, "b")])).select(Article::ID))),
        ("group", texts(&all().select((Article::CATEGORY_ID, sum(stock))).group_by(Article::CATEGORY_ID).having(count_all().gt(3)))),
        ("count", texts(&Article::count().filter(stock.gt(1)))),
        ("count_distinct", texts(&all().select((count_distinct(title), min(title), avg(stock))))),
        ("intersect", texts(&all().select(title).intersect(find(stock.eq(0)).select(title)))),
        ("except", texts(&all().select(title).except(find(stock.eq(0)).select(title)))),
        ("union_of_models", texts(&all().select(title).union_all(Category::find_all().select(Category::NAME)))),
        ("page", texts(&all().select(Article::ID).page(3, 20))),
        ("cursor", texts(&all().select(Article::ID).order_by((note.desc(), title.asc())).cursor(None, 20))),
        ("lock_of", texts(&all().select(Article::ID).include(Article::CATEGORY).lock_of(Lock::Share, Article::CATEGORY).no_wait())),
        ("include_one", texts(&Category::find_all().include(Category::PARENT.filter(Category::NAME.ne("x"))))),
        ("required", texts(&Category::find_all().include(Category::ARTICLES.filter(stock.gt(0)).required()))),
        ("relation_none", texts(&Category::find_all().select(Category::NAME).filter(Category::ARTICLES.none(stock.gt(0))))),
        ("relation_aggregate", texts(&Category::find_all().select((Category::NAME, Category::ARTICLES.aggregate(max(Article::PRICE)))))),
        ("relation_order", texts(&all().select(Article::ID).order_by(Article::CATEGORY.at(Category::NAME).asc_nulls_last()))),
        (
            "json_kinds",
            texts(&all().select((
                Article::DATA.path("a").as_bool(),
                Article::DATA.path("a").as_date_time(),
                Article::DATA.path("a").as_json(),
            ))),
        ),
        (
            "json_compare",
            both(vec![Article::DATA.path("a").is_in([1, 2]), Article::DATA.path("b").between(1, 2), Article::DATA.path("c").ilike("x%")]),
        ),
    ]
}

/// The finders under the names that people look for, and what they cut off.
fn finders() -> Vec<(&'static str, String)> {
    let (stock, title) = (Article::STOCK, Article::TITLE);
    vec![
        ("find_by_pk", texts(&Article::find_by_pk(1))),
        ("find_one", texts(&Article::find_one().filter(title.eq("Bread")))),
        ("first", texts(&all().filter(stock.gt(1)).first())),
        ("last", texts(&all().filter(stock.gt(1)).last())),
        ("pluck", texts(&all().pluck(title))),
        ("limit_offset", texts(&all().select(title).order_by((Article::PRICE.desc(), title.asc())).limit(10).offset(20))),
        ("offset_alone", texts(&all().select(title).order_by(title.asc()).offset(20))),
        ("in_list_long", texts(&find(Article::ID.is_in(0..4_097)).select(title))),
        ("aggregates", texts(&all().select((count_all(), count(Article::NOTE), sum(stock), avg(stock), min(title), max(title))))),
        ("arithmetic", texts(&all().select((stock + 1, stock - 1, stock * 2, stock / 2, stock % 2, Article::PRICE / 2.0)))),
        ("words", texts(&all().select((title.lower(), title.upper(), title.length(), title.replace("a", "b"), title.concat(" x"))))),
        (
            "windows",
            texts(&all().select((
                row_number().over(by_id()),
                dense_rank().over(by_id()),
                ntile(4).over(by_id()),
                first_value(title).over(by_id()),
                last_value(title).over(by_id()),
                lead(stock).over(by_id()),
            ))),
        ),
        ("union_all", texts(&all().select(title).union_all(find(stock.eq(0)).select(title)).order_by(title.asc()))),
        ("relation_count_filtered", texts(&Category::find_all().select((Category::NAME, Category::ARTICLES.filter(stock.gt(0)).count())))),
        ("matches_indexed", texts(&Paper::find_all().select(Paper::ID).filter(words("two words")))),
        (
            "match_rank_indexed",
            texts(&Paper::find_all().select(Paper::ID).order_by(sequor::match_rank((Paper::TITLE, Paper::BODY), "two words").desc())),
        ),
    ]
}

fn by_id() -> Window<Article> {
    Window::new().order_by(Article::ID.asc())
}

fn words(search: &str) -> Filter<Paper> {
    sequor::matches((Paper::TITLE, Paper::BODY), search)
}

fn computed() -> Vec<(&'static str, String)> {
    vec![
        ("case", texts(&all().select(when(Article::STOCK.eq(0), "none").otherwise("some")))),
        ("cast", texts(&all().select((Article::STOCK.cast::<String>(), Article::TITLE.cast::<i64>())))),
        ("concat", texts(&all().select(Article::TITLE.concat("!")))),
        ("coalesce", texts(&all().select(coalesce(Article::NOTE, "-")))),
        ("date_part", texts(&all().select(date_part("year", Article::SOLD_AT)))),
        ("date_trunc", texts(&all().select(date_trunc("month", Article::SOLD_AT)))),
        ("functions", texts(&all().select((Article::TITLE.trim(), Article::TITLE.substring(1, 2), greatest(Article::STOCK, 1))))),
        ("string_agg", texts(&all().select(string_agg(Article::TITLE, ", ")))),
        ("named_function", texts(&all().select(function::<_, f64>("sqrt", Article::PRICE)))),
        ("raw", texts(&all().select(raw_expr::<Article, i64>(sql!("length(title)"))))),
    ]
}

fn documents() -> Vec<(&'static str, String)> {
    vec![
        ("json_text", texts(&find(Article::DATA.path("a.b[0]").eq("x")))),
        ("json_number", texts(&find(Article::DATA.path("size").gt(2)))),
        ("json_key", texts(&find(Article::DATA.has_key("n")))),
        ("json_null", texts(&find(Article::DATA.path("n").is_json_null()))),
        ("json_length", texts(&find(Article::DATA.path("a").len().eq(2)))),
        ("json_contains", texts(&find(Article::DATA.contains_json(json!({ "ok": true }))))),
        ("json_set", texts(&all().select(Article::DATA.set_path("ok", true)))),
        ("json_set_deep", texts(&all().select(Article::DATA.set_path("a.ok", true)))),
        ("json_remove", texts(&all().select(Article::DATA.remove_path("a.ok")))),
        ("json_merge", texts(&all().select(Article::DATA.merge(json!({ "a": null, "b": 1 }))))),
    ]
}

fn queries() -> Vec<(&'static str, String)> {
    let of_mine = || Article::find_all().filter(Article::CATEGORY_ID.eq(outer(Category::ID)));
    let categories = || Category::find_all().select(Category::NAME);
    let pairs = all().select((Article::STOCK, Article::ID));
    vec![
        ("in_query", texts(&categories().filter(Category::ID.in_query(find(Article::STOCK.gt(0)).select(Article::CATEGORY_ID))))),
        ("exists", texts(&categories().filter(Filter::exists(of_mine())))),
        ("scalar", texts(&Category::find_all().select((Category::NAME, scalar(of_mine().select(max(Article::PRICE))))))),
        ("tuple", texts(&all().select(Article::ID).filter(tuple((Article::STOCK, Article::ID)).in_query(pairs)))),
        ("relation_any", texts(&categories().filter(Category::ARTICLES.any(Article::STOCK.gt(0))))),
        ("relation_all", texts(&categories().filter(Category::ARTICLES.all(Article::STOCK.gt(0))))),
        ("relation_is", texts(&all().select(Article::ID).filter(Article::CATEGORY.is(Category::PARENT.is(Category::NAME.eq("Food")))))),
        ("relation_count", texts(&categories().filter(Category::ARTICLES.count().gt(3)).order_by(Category::ARTICLES.count().desc()))),
        ("tree", texts(&categories().filter(Category::CHILDREN.reached_from(Category::NAME.eq("Food"))))),
        ("union", texts(&all().select(Article::TITLE).union(find(Article::STOCK.eq(0)).select(Article::TITLE)).limit(5))),
        (
            "window",
            texts(
                &all().select((Article::ID, rank().over(Window::new().partition_by(Article::CATEGORY_ID).order_by(Article::PRICE.desc())))),
            ),
        ),
        (
            "window_sum",
            texts(
                &all()
                    .select((sum(Article::STOCK).over(Window::new()), lag(Article::STOCK).over(Window::new().order_by(Article::ID.asc())))),
            ),
        ),
        (
            "window_frame",
            texts(
                &all().select(
                    sum(Article::STOCK)
                        .over(Window::new().order_by(Article::ID.asc()).rows_between(FrameBound::Preceding(2), FrameBound::CurrentRow)),
                ),
            ),
        ),
        ("distinct", texts(&all().select(Article::STOCK).distinct())),
        (
            "distinct_on",
            texts(&all().select(Article::TITLE).distinct_on(Article::STOCK).order_by((Article::STOCK.asc(), Article::ID.asc()))),
        ),
        ("cte", texts(&all().with_cte("dear", find(Article::PRICE.gt(9.0))).from_cte("dear").select(Article::TITLE))),
        (
            "recursive",
            texts(
                &Category::find_all()
                    .with_recursive(
                        "below",
                        Category::find_all().filter(Category::NAME.eq("Food")),
                        Category::PARENT_ID.eq(outer(Category::ID)),
                    )
                    .from_cte("below")
                    .select(Category::NAME),
            ),
        ),
        ("match_rank", texts(&all().select(Article::TITLE.match_rank("two words")))),
        ("lock", texts(&all().lock(Lock::Update).skip_locked())),
        ("index_hint", texts(&all().force_index("articles_title"))),
        ("tags", texts(&all().with(SqlTag("route", "/articles")))),
        ("null_order", texts(&all().order_by(Article::NOTE.desc_nulls_last()))),
    ]
}

fn constructs() -> Vec<(&'static str, String)> {
    [comparisons(), families(), finders(), computed(), documents(), queries()].concat()
}

#[test]
fn every_construct_on_every_dialect() {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "../snapshots/sql" }, {
        for (name, text) in constructs() {
            insta::assert_snapshot!(name, text);
        }
    });
}

/// The pages of the guide that show SQL: `<!-- sql: name -->` stands before each block.
const PAGES: [&str; 7] = [
    "guide/filters.md",
    "guide/json.md",
    "guide/full-text.md",
    "guide/windows.md",
    "reading.md",
    "eager-loading.md",
    "pages-and-cursors.md",
];

#[test]
fn the_guide_shows_this_sql() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src");
    let constructs = constructs();
    let mut shown = Vec::new();
    for page in PAGES {
        let path = folder.join(page);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut wanted = String::new();
        let mut parts = text.split("<!-- sql: ");
        wanted.push_str(parts.next().unwrap());
        for part in parts {
            let (name, rest) = part.split_once(" -->").unwrap();
            let (_, sql) =
                constructs.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{page} names no construct {name}"));
            let rest = rest.strip_prefix("\n```sql\n").map_or(rest, |block| block.split_once("```").unwrap().1);
            let _ = write!(wanted, "<!-- sql: {name} -->\n```sql\n{sql}```{rest}");
            shown.push(name.to_owned());
        }
        if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
            std::fs::write(&path, &wanted).unwrap();
        } else {
            assert_eq!(text, wanted, "{page} shows other SQL: run the test with INSTA_UPDATE=always");
        }
    }
    let hidden: Vec<&str> = constructs.iter().map(|(name, _)| *name).filter(|name| !shown.iter().any(|shown| shown == name)).collect();
    assert!(hidden.is_empty(), "no page of the guide shows the SQL of {hidden:?}");
}

/// The code in the last cell of each row of the cookbook; `..` stands for whatever a program writes there.
#[test]
fn the_program_of_the_cookbook_has_each_of_its_lines() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/cookbook/queries.md");
    let page = std::fs::read_to_string(path).unwrap();
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let (tables, program) = page.split_once("## The program").unwrap();
    let program = bare(&program.replace("\n# ", "\n"));
    let mut seen = 0;
    for row in tables.lines().filter(|line| line.starts_with("| ") && !line.contains("---")) {
        let (_, last) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        for code in last.split('`').skip(1).step_by(2) {
            let mut rest = program.as_str();
            for part in code.split("..").map(bare) {
                let place = rest.find(&part).unwrap_or_else(|| panic!("the program does not run {code}"));
                rest = &rest[place + part.len()..];
            }
            seen += 1;
        }
    }
    assert!(seen > 80, "{seen}");
}
