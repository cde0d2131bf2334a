//! The bad-input corpus: no string of it becomes SQL text, and every one comes back as it went in.

use super::matches::Paper;
use super::models::*;
use sequor::prelude::*;
use sequor::tuple;
use std::collections::BTreeMap;

/// Strings that broke other libraries: quotes, comments, placeholders, names, patterns, JSON paths, objects, Unicode, markup.
const CORPUS: &[&str] = &[
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\'",
    "'\\''",
    "';--",
    "\"; DROP TABLE t; --",
    "`; DROP TABLE t; #",
    "') OR ('1'='1",
    "' OR 1=1 --",
    "' OR 'a'='a",
    "\" OR \"\"=\"",
    "x' AND SLEEP(2)#",
    "1; SELECT pg_sleep(2)",
    "'||(SELECT version())||'",
    "' UNION SELECT NULL,NULL--",
    "$$; SELECT 1; $$",
    "$tag$x$tag$",
    "E'\\\\x27'",
    "\u{bf}\\'",
    "\u{2019}",
    "\u{ff07}",
    "%27",
    "&#39;",
    "0x27",
    "CHAR(39)",
    "U&'\u{0}027'",
    "N'x'",
    "--",
    "#",
    "/*",
    "*/",
    "/*!50000 SELECT 1*/",
    "/*M!100100 x*/",
    "-- \u{a}; DROP",
    "/*/**/*/",
    ";\u{0}--",
    "--%0a",
    "?",
    "??",
    "$1",
    "$0",
    ":name",
    ":replacements",
    "@x",
    "{x}",
    "{{x}}",
    "{}",
    "%s",
    "%(name)s",
    "${7*7}",
    "#{x}",
    "::text",
    "\\?",
    "?|",
    "@>",
    "$1::regclass",
    "id; DROP TABLE t",
    "id) --",
    "id\" DESC, (SELECT 1) --",
    "id` ASC",
    "\"id\"",
    "t.id",
    "a.b.c",
    "*",
    "(SELECT 1)",
    "CASE WHEN 1=1 THEN id END",
    "id, password",
    "1",
    "-1",
    "RAND()",
    "sleep(2)",
    "id COLLATE \"C\"",
    "select",
    "user",
    "ROWID",
    "oid",
    "ctid",
    "xmin",
    "_rowid_",
    "",
    " ",
    "a\u{0}b",
    "a\u{a}b",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaax",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaay",
    "\u{c0}\u{c9}",
    "\u{130}",
    "\u{131}",
    "\u{202e}di",
    "a\u{200b}b",
    "$user.role$",
    "user->role",
    "DESC; delete from t",
    "desc nulls last, 1",
    "Asc--",
    "ASC\u{9}LIMIT 0",
    "RANDOM",
    "0",
    "18446744073709551615",
    "9223372036854775808",
    "1e3",
    "10 OFFSET 0; --",
    "10,20",
    "0x10",
    "NaN",
    "null",
    " 5 ",
    "cursor of another query",
    "cursor with one bit flipped",
    "cursor of 1 MiB",
    "%",
    "_",
    "\\\\",
    "100\\%",
    "[a-z]",
    "^$",
    "(a+)+$",
    "(?i)x{1,99999}",
    "\\p{L}",
    "!",
    "!%",
    "$",
    "$.a",
    "$.a.b",
    "a.b",
    "a'b",
    "a\"b",
    "a\\b",
    "$**.x",
    "$[*]",
    "[last]",
    "$.a')) AS DECIMAL)=1 --",
    "a') = 1 OR 1=1 --",
    "a::int); --",
    "#>>'{a}'",
    "99999999999",
    "a,b",
    "{a,b}",
    "{\"\\u0000\":\"\\u0000\"}",
    "{\"a\":1,\"a\":2}",
    "1e400",
    "9007199254740993",
    "{\"$ne\":null}",
    "{\"$gt\":\"\"}",
    "[[\"a\"]]",
    "{\"password\":1}",
    "{\"$or\":[{}]}",
    "{\"$not\":{}}",
    "{\"$literal\":\"1=1\"}",
    "{\"$col\":\"password\"}",
    "{\"$fn\":\"pg_sleep\"}",
    "{\"val\":\"1=1\"}",
    "{\"raw\":true}",
    "{\"__proto__\":{\"x\":1}}",
    "{\"constructor\":{\"prototype\":{}}}",
    "{\"toString\":\"x\"}",
    "{\"where\":{\"where\":{}}}",
    "{\"$WHERE\":\"1\"}",
    "{\"\u{ff04}gt\":1}",
    "{\"$gt \":1}",
    "{\"\":1}",
    "{\"a.b\":1}",
    "{\"$a.b$\":1}",
    "true",
    "[]",
    "user[email][$ne]=x",
    "a=1&a=2",
    "order[0][1]=DESC--",
    "include[0][association]=__proto__",
    "attributes=[[\"count(*)\",\"x\\\" from secrets--\"]]",
    "\u{0}",
    "\u{feff}",
    "\u{1f600}",
    "e\u{301}",
    "\u{e9}",
    "\u{df}",
    "ss",
    "'ADMIN   '",
    "'admin'",
    "\u{fffd}",
    "\u{10ffff}",
    "\u{d}\u{a}Set-Cookie: x",
    "\u{1b}[2J",
    "${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "+1",
    "../../etc/x",
    "a/../../b",
    "con",
    "x\"; fn main(){} //",
    "r#type",
    "r#\"x\"#",
    "*/ x /*",
    "\u{a}#[derive(X)]",
    "00",
    "-0",
    "1e309",
    "Infinity",
    "0x1F",
    "0000-00-00",
    "2023-02-30",
    "infinity",
    "294277-01-01",
    "2024-03-31T02:30 Europe/Berlin",
    "23:59:60",
    "text=0",
    "text=false",
    "abc",
    "1 OR 1=1",
    "bool=\"false\"",
    "uuid=\"x\"",
    "enum=0",
    "enum=\"\"",
    "date=1",
    "blob=\"text\"",
    "decimal=\"1,5\"",
    "inet=\"1;--\"",
    "array=\"{a,b}\"",
    "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{9}\u{a}\u{b}\u{c}\u{d}\u{e}\u{f}\u{10}\u{11}\u{12}\u{13}\u{14}\u{15}\u{16}\u{17}\u{18}\u{19}\u{1a}\u{1b}\u{1c}\u{1d}\u{1e}\u{1f}",
    "\u{7f}\u{80}\u{81}\u{82}\u{83}\u{84}\u{85}\u{86}\u{87}\u{88}\u{89}\u{8a}\u{8b}\u{8c}\u{8d}\u{8e}\u{8f}\u{90}\u{91}\u{92}\u{93}\u{94}\u{95}\u{96}\u{97}\u{98}\u{99}\u{9a}\u{9b}\u{9c}\u{9d}\u{9e}\u{9f}",
];

const DIALECTS: [Dialect; 4] = [Dialect::Postgres, Dialect::Mysql, Dialect::Mariadb, Dialect::Sqlite];

/// The corpus and two entries that are long.
fn corpus() -> Vec<String> {
    let long = ["%".repeat(10_000), "'".repeat(65_536)];
    CORPUS.iter().map(|entry| (*entry).to_owned()).chain(long).collect()
}

type Sink = fn(&str) -> Find<Article>;

fn find(filter: Filter<Article>) -> Find<Article> {
    Article::find_all().filter(filter)
}

/// Every place of a typed query that takes a value's text: the text of the statement is the same for all entries.
const VALUES: &[(&str, Sink)] = &[
    ("eq", |text| find(Article::TITLE.eq(text))),
    ("ne", |text| find(Article::TITLE.ne(text))),
    ("gt", |text| find(Article::TITLE.gt(text))),
    ("lte", |text| find(Article::TITLE.lte(text))),
    ("is_same", |text| find(Article::TITLE.is_same(text))),
    ("between", |text| find(Article::TITLE.between(text, text))),
    ("is_in", |text| find(Article::TITLE.is_in([text, "x"]))),
    ("not_in", |text| find(Article::TITLE.not_in([text]))),
    ("like", |text| find(Article::TITLE.like(text))),
    ("not_ilike", |text| find(Article::TITLE.not_ilike(text))),
    ("contains", |text| find(Article::TITLE.contains(text))),
    ("starts_with", |text| find(Article::TITLE.starts_with(text))),
    ("ends_with", |text| find(Article::TITLE.ends_with(text))),
    ("icontains", |text| find(Article::TITLE.icontains(text))),
    ("regexp", |text| find(Article::TITLE.regexp(text))),
    ("iregexp", |text| find(Article::TITLE.iregexp(text))),
    ("concat", |text| find(Article::TITLE.concat(text).eq(text))),
    ("replace", |text| find(Article::TITLE.replace(text, text).eq(text))),
    ("null_if", |text| find(Article::TITLE.null_if(text).is_null())),
    ("coalesce", |text| find(coalesce(Article::NOTE, text).eq(text))),
    ("case", |text| find(when(Article::TITLE.eq(text), text).otherwise(text).eq(text))),
    ("list has", |text| find(Article::LABELS.has(text.to_owned()))),
    ("list overlaps", |text| find(Article::LABELS.overlaps([text.to_owned()]))),
    ("JSON value", |text| find(Article::DATA.path("a").eq(text))),
    ("JSON list", |text| find(Article::DATA.path("a").is_in([text]))),
    ("JSON document", |text| find(Article::DATA.contains_json(json!({ text: text })))),
    ("sub-query", |text| find(Article::ID.in_query(find(Article::TITLE.eq(text)).select(Article::ID)))),
    ("exists", |text| find(Filter::exists(Category::find_all().filter(Category::NAME.eq(text))))),
    ("relation", |text| find(Article::CATEGORY.is(Category::NAME.eq(text)))),
    ("tree", |text| find(Article::CATEGORY.is(Category::CHILDREN.reached_from(Category::NAME.eq(text))))),
    ("union", |text| find(Article::TITLE.eq(text)).union(find(Article::NOTE.eq(text)))),
    ("full text", |text| find(Article::TITLE.matches(text))),
    ("full text of two", |text| find(sequor::matches((Article::TITLE, Article::NOTE), text))),
    ("rank", |text| Article::find_all().order_by(Article::TITLE.match_rank(text).desc())),
    ("indexed full text", |text| {
        let papers = Paper::find_all().filter(sequor::matches((Paper::TITLE, Paper::BODY), text)).select(Paper::ID);
        find(Article::ID.in_query(papers))
    }),
    ("named query", |text| Article::find_all().with_cte("a", find(Article::TITLE.eq(text))).from_cte("a")),
    ("recursive query", |text| {
        Article::find_all().with_recursive("a", find(Article::TITLE.eq(text)), Article::NOTE.eq(text)).from_cte("a")
    }),
    ("distinct_on", |text| find(Article::TITLE.eq(text)).distinct_on(Article::STOCK).order_by(Article::STOCK.asc())),
    ("having", |text| Article::find_all().having(max(Article::TITLE).gt(text.to_owned()))),
    ("order", |text| Article::find_all().order_by(when(Article::TITLE.eq(text), 1_i64).otherwise(2_i64).asc())),
    ("not_like", |text| find(Article::TITLE.not_like(text))),
    ("ilike", |text| find(Article::NOTE.ilike(text))),
    ("istarts_with", |text| find(Article::NOTE.istarts_with(text))),
    ("iends_with", |text| find(Article::NOTE.iends_with(text))),
    ("not_regexp", |text| find(Article::NOTE.not_regexp(text))),
    ("greatest", |text| find(sequor::greatest(Article::TITLE, text).eq(text))),
    ("list below", |text| find(Article::LABELS.all_below(text.to_owned()))),
    ("list contained", |text| find(Article::LABELS.contained_in([text]))),
    ("list equal", |text| find(Article::LABELS.eq([text]))),
    ("tuple", |text| find(tuple((Article::ID, Article::TITLE)).is_in([(1_i64, text)]))),
    ("scalar", |text| {
        let named = Category::find_all().filter(Category::NAME.eq(text)).limit(1).select(Category::NAME);
        find(Article::TITLE.to_expr().eq(scalar(named)))
    }),
    ("JSON like", |text| find(Article::DATA.path("a").like(text))),
    ("JSON start", |text| find(Article::DATA.path("a").starts_with(text))),
    ("JSON between", |text| find(Article::DATA.path("a").between(text, text))),
    ("JSON within", |text| find(Article::DATA.contained_in_json(json!({ text: text })))),
    ("JSON set", |text| find(Article::DATA.set_path("a", text).set_path("b.c", text).path("a").exists())),
    ("JSON merged", |text| find(Article::DATA.merge(json!({ "a": text })).path("a").exists())),
    ("include", |text| Article::find_all().include(Article::CATEGORY.filter(Category::NAME.eq(text)).required())),
    ("window", |text| {
        let window = sequor::Window::new().partition_by(coalesce(Article::NOTE, text)).order_by(coalesce(Article::NOTE, text).asc());
        find(Article::ID.in_query(Article::find_all().select(row_number().over(window))))
    }),
    ("group", |text| {
        let note = || coalesce(Article::NOTE, text);
        let groups = Article::find_all().select(max(Article::ID)).group_by(note()).having(note().ne(text).and(max(note()).gt(text)));
        find(Article::ID.in_query(groups.order_by(note().asc())))
    }),
    ("raw", |text| {
        let text = text.to_owned();
        find(Filter::raw(sql!("title = {text}")))
    }),
];

#[test]
fn values_never_change_the_text_of_a_statement() {
    for dialect in DIALECTS {
        for (name, sink) in VALUES {
            let wanted = sink("harmless").to_sql(dialect).unwrap();
            for entry in corpus() {
                assert_eq!(sink(&entry).to_sql(dialect).unwrap(), wanted, "{name} on {dialect:?} with {entry:?}");
            }
        }
    }
}

#[test]
fn json_keys_are_bound_or_refused() {
    let keys: &[(&str, Sink)] = &[
        ("has_key", |text| find(Article::DATA.has_key(text))),
        ("path", |text| find(Article::DATA.path(text).eq("x"))),
        ("path exists", |text| find(Article::DATA.path(text).exists())),
        ("quoted path", |text| find(Article::DATA.path(&format!("[\"{text}\"]")).len().eq(1))),
        ("set_path", |text| find(Article::DATA.set_path(text, 1).path("x").exists())),
        ("remove_path", |text| find(Article::DATA.remove_path(text).path("x").exists())),
        ("merge", |text| find(Article::DATA.merge(json!({ text: text })).path("x").exists())),
    ];
    for dialect in DIALECTS {
        for (name, sink) in keys {
            // A path of another length has another text; what it must not have is the entry's own.
            let mut texts = BTreeMap::new();
            for entry in corpus() {
                match sink(&entry).to_sql(dialect) {
                    Ok(text) => *texts.entry(text).or_insert(0) += 1,
                    Err(error) => assert!(matches!(error, Error::Usage(_)), "{name} on {dialect:?} with {entry:?}: {error:?}"),
                }
            }
            assert!(texts.len() <= 8, "{name} on {dialect:?} has {} texts: {texts:#?}", texts.len());
        }
    }
}

#[test]
fn names_are_quoted_and_comments_encoded() {
    for entry in corpus().into_iter().filter(|entry| !entry.contains('\0')) {
        let text = Article::find_all().use_index(entry.clone()).to_sql(Dialect::Mariadb).unwrap();
        let quoted = format!(" USE INDEX (`{}`)", entry.replace('`', "``"));
        assert!(text.ends_with(&quoted), "{entry:?}: {text}");
    }
    let tagged = Article::find_all().with(SqlTag("route*/; --", "/x?a='1'*/ DROP")).to_sql(Dialect::Sqlite).unwrap();
    assert!(tagged.ends_with(" /*route%2A%2F%3B%20--='%2Fx%3Fa%3D%271%27%2A%2F%20DROP'*/"), "{tagged}");
}

#[sequor::test(models(Category, Article))]
async fn entries_are_found_as_they_were_stored(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    // PostgreSQL stores no NUL in text: its error is typed, and the others keep it.
    let postgres = db.dialect() == Dialect::Postgres;
    let stored: Vec<String> = corpus().into_iter().filter(|entry| !(postgres && entry.contains('\0'))).collect();
    let drafts = stored.iter().map(|entry| draft!(Category { name: entry, parent_id: 1_i64 })).collect::<Vec<_>>();
    Category::bulk_create(drafts).exec(&db).await?;
    let mine = || Category::find_all().filter(Category::PARENT_ID.eq(1).and(Category::ID.gt(5))).order_by(Category::ID.asc());
    let names: Vec<String> = mine().select(Category::NAME).exec(&db).await?;
    assert_eq!(names, stored);
    let all: Vec<String> = mine().filter(Category::NAME.is_in(stored.clone())).select(Category::NAME).exec(&db).await?;
    assert_eq!(all, stored);
    for entry in stored.iter().filter(|entry| entry.len() < 200) {
        let found: Vec<String> = mine().filter(Category::NAME.eq(entry)).select(Category::NAME).exec(&db).await?;
        assert!(found.contains(entry), "eq {entry:?}: {found:?}");
        let found: Vec<String> = mine().filter(Category::NAME.contains(entry)).select(Category::NAME).exec(&db).await?;
        assert!(found.contains(entry), "contains {entry:?}");
        // SQLite's LIKE ends at a NUL; what MariaDB's collation calls equal is more than the same letters.
        if db.dialect() == Dialect::Postgres || (db.dialect() == Dialect::Sqlite && !entry.contains('\0')) {
            assert!(found.iter().all(|name| name.to_lowercase().contains(&entry.to_lowercase())), "contains {entry:?}: {found:?}");
        }
    }
    if postgres {
        let refused = Category::count().filter(Category::NAME.eq("a\0b")).exec(&db).await;
        assert!(refused.is_err(), "{refused:?}");
    }
    assert_eq!(Category::count().filter(Category::ID.lte(5)).exec(&db).await?, 5);
    Ok(())
}

#[sequor::test(models(Category, Article))]
async fn bad_patterns_and_paths_are_errors(db: Db) -> sequor::Result<()> {
    seed(&db).await?;
    let pattern = Article::count().filter(Article::TITLE.regexp("(")).exec(&db).await;
    assert!(matches!(pattern, Err(Error::Database { .. } | Error::Usage(_))), "{pattern:?}");
    let path = Article::count().filter(Article::DATA.path("a[").exists()).exec(&db).await;
    assert!(matches!(&path, Err(Error::Usage(_))), "{path:?}");
    assert!(path.unwrap_err().to_string().contains("messages[0].role"));
    let limit = Article::find_all().limit(u64::MAX).exec(&db).await;
    assert!(matches!(limit, Err(Error::Usage(_))), "{limit:?}");
    Ok(())
}
