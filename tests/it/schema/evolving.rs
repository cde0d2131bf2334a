//! Three applications as people build them (a forum, a shop, an address book), each changed ten times with rows inside, as people change them.

mod notation;

use notation::{CRM, FORUM, SHOP, column, index, name, read};
use sequor::__private::core::schema::{Action, CheckDef, Default as ColumnDefault, Generated, IndexDef, TableColumn, TableDef, TableName};
use sequor::__private::core::types::EnumDef;
use sequor::__private::{ColumnType, RawPart, RawSql};
use sequor::prelude::*;
use sequor::{Dialect, Generator, Migration, Schema, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One change: the new description, what is renamed, what fills, what may be cast.
struct Step {
    what: &'static str,
    say: &'static [&'static str],
    change: fn(&mut Schema),
}

fn of<'a>(schema: &'a mut Schema, table: &str) -> &'a mut TableDef {
    schema.tables.iter_mut().find(|one| one.name.name == table).unwrap_or_else(|| panic!("{table}"))
}

fn field<'a>(schema: &'a mut Schema, table: &str, own: &str) -> &'a mut TableColumn {
    of(schema, table).columns.iter_mut().find(|one| one.name == own).unwrap_or_else(|| panic!("{table}.{own}"))
}

fn add(schema: &mut Schema, table: &str, text: &str) {
    let enums = schema.enums.clone();
    column(of(schema, table), text, &enums);
}

fn labels(schema: &mut Schema, own: &str, list: &[&str]) {
    let made = Arc::new(EnumDef { name: name(own), labels: list.iter().map(|one| name(one)).collect() });
    schema.enums.iter_mut().filter(|one| one.name == own).for_each(|one| *one = made.clone());
    for column in schema.tables.iter_mut().flat_map(|table| &mut table.columns) {
        if matches!(&column.ty, ColumnType::Enum(one) if one.name == own) {
            column.ty = ColumnType::Enum(made.clone());
        }
    }
}

fn rename(schema: &mut Schema, table: &str, from: &str, to: &str) {
    let change = |one: &mut sequor::__private::core::Name| {
        if *one == from {
            *one = name(to);
        }
    };
    let made = of(schema, table);
    made.columns.iter_mut().for_each(|one| change(&mut one.name));
    made.primary_key.iter_mut().for_each(change);
    made.foreign_keys.iter_mut().flat_map(|key| &mut key.columns).for_each(change);
    made.indexes.iter_mut().flat_map(|index| &mut index.parts).filter_map(|part| part.column.as_mut()).for_each(change);
    let pointing = schema.tables.iter_mut().flat_map(|one| &mut one.foreign_keys).filter(|key| key.table.name == table);
    pointing.flat_map(|key| &mut key.target).for_each(change);
}

const FORUM_STEPS: [Step; 10] = [
    Step {
        what: "a phone, with a comment",
        say: &[],
        change: |s| {
            add(s, "users", "phone varchar(30)");
            field(s, "users", "phone").comment = Some(name("with the country's number; it's optional"));
        },
    },
    Step { what: "karma grows", say: &[], change: |s| field(s, "users", "karma").ty = ColumnType::I64 },
    Step {
        what: "another name for a column",
        say: &["rename users.name:nickname"],
        change: |s| {
            rename(s, "users", "name", "nickname");
            of(s, "users").indexes.retain(|one| one.parts[0].expression.is_none());
            of(s, "users").indexes.push(index(false, "lower(nickname)"));
        },
    },
    Step { what: "a label more, in the middle", say: &[], change: |s| labels(s, "user_role", &["member", "helper", "moderator", "admin"]) },
    Step {
        what: "a label renamed and one gone",
        say: &["rename topic_state.closed:locked"],
        change: |s| labels(s, "topic_state", &["open", "locked"]),
    },
    Step { what: "a column closed", say: &["fill posts.author_id=1"], change: |s| field(s, "posts", "author_id").nullable = false },
    Step { what: "a table renamed", say: &["rename bans:suspensions"], change: |s| of(s, "bans").name = TableName::new("suspensions") },
    Step {
        what: "a key of two columns grows",
        say: &[],
        change: |s| {
            of(s, "reactions").primary_key.push(name("kind"));
            field(s, "reactions", "kind").default = ColumnDefault::None;
        },
    },
    Step {
        what: "rules and indexes change",
        say: &[],
        change: |s| {
            of(s, "users").checks[0].expression = name("karma >= -1000");
            of(s, "posts").checks.clear();
            of(s, "topics").indexes[0] = index(false, "category_id pinned- created_at-");
            of(s, "messages").foreign_keys[1].on_delete = Some(Action::Cascade);
        },
    },
    Step {
        what: "a table comes, one goes, a column moves its key",
        say: &[],
        change: |s| {
            s.tables.retain(|one| one.name.name != "settings");
            let mut made = TableDef::new(TableName::new("groups"));
            column(&mut made, "id +", &[]);
            column(&mut made, "name varchar(60) !", &[]);
            s.tables.push(made);
            add(s, "users", "group_id i64 >groups");
            of(s, "users").columns.retain(|one| one.name != "bio");
        },
    },
];

const SHOP_STEPS: [Step; 10] = [
    Step { what: "money with more places", say: &[], change: |s| field(s, "order_lines", "price").ty = ColumnType::Decimal(Some((14, 4))) },
    Step {
        what: "a computed column of others",
        say: &[],
        change: |s| {
            field(s, "products", "gross").generated = Some(Generated { expression: name("price * 3"), stored: true });
        },
    },
    Step {
        what: "a state added and a default that is it",
        say: &[],
        change: |s| {
            labels(s, "order_state", &["draft", "cart", "placed", "paid", "shipped"]);
            field(s, "orders", "state").default = ColumnDefault::Value(Value::Text("draft".into()));
        },
    },
    Step { what: "a text shortened", say: &["cast coupons.code"], change: |s| field(s, "coupons", "code").ty = ColumnType::VarChar(12) },
    Step {
        what: "a number becomes text",
        say: &["cast images.position"],
        change: |s| {
            let column = field(s, "images", "position");
            (column.ty, column.default) = (ColumnType::VarChar(10), ColumnDefault::Value(Value::Text("front".into())));
        },
    },
    Step {
        what: "names in one column",
        say: &["fill customers.full_name=first_name"],
        change: |s| {
            add(s, "customers", "full_name varchar(121) !");
            of(s, "customers").columns.retain(|one| one.name != "last_name");
        },
    },
    Step {
        what: "unique among the living",
        say: &[],
        change: |s| {
            add(s, "products", "deleted_at time");
            of(s, "products").indexes[0] = index(true, "sku where deleted_at is null");
        },
    },
    Step {
        what: "a composite key's column has another name",
        say: &["rename order_lines.line:position"],
        change: |s| rename(s, "order_lines", "line", "position"),
    },
    Step {
        what: "a cycle more",
        say: &[],
        change: |s| {
            add(s, "brands", "best_product_id i64 >products");
            of(s, "orders").comment = Some(name("what was bought"));
        },
    },
    Step {
        what: "a relation table gets a key of its own",
        say: &[],
        change: |s| {
            field(s, "reviews", "stars").default = ColumnDefault::Value(Value::I64(3));
            of(s, "reviews").checks.push(CheckDef { name: name("reviews_stars"), expression: name("stars between 1 and 5") });
            of(s, "payments").indexes.push(index(false, "order_id done_at-"));
            labels(s, "tax_class", &["none", "reduced", "full"]);
        },
    },
];

const CRM_STEPS: [Step; 10] = [
    Step {
        what: "a document becomes text",
        say: &["cast accounts.custom"],
        change: |s| field(s, "accounts", "custom").ty = ColumnType::Text,
    },
    Step { what: "a status goes that nobody has", say: &[], change: |s| labels(s, "lead_status", &["new", "contacted", "qualified"]) },
    Step {
        what: "an enum out of a text",
        say: &["cast activities.kind"],
        change: |s| {
            let made = Arc::new(EnumDef { name: name("activity_kind"), labels: ["kind1", "kind2", "note"].map(name).to_vec() });
            s.enums.push(made.clone());
            field(s, "activities", "kind").ty = ColumnType::Enum(made);
            of(s, "activities").checks.clear();
        },
    },
    Step {
        what: "both names of a table and its column",
        say: &["rename deals:opportunities", "rename opportunities.title:name"],
        change: |s| {
            rename(s, "deals", "title", "name");
            of(s, "deals").name = TableName::new("opportunities");
            let keys = s.tables.iter_mut().flat_map(|one| &mut one.foreign_keys).filter(|key| key.table.name == "deals");
            keys.for_each(|key| key.table = TableName::new("opportunities"));
        },
    },
    Step {
        what: "a date gets a time",
        say: &[],
        change: |s| {
            field(s, "people", "score").default = ColumnDefault::None;
            field(s, "people", "birthday").nullable = true;
            field(s, "files", "size").ty = ColumnType::I64;
        },
    },
    Step {
        what: "a column is not wanted to be empty",
        say: &["fill accounts.revenue=0"],
        change: |s| {
            field(s, "accounts", "revenue").nullable = false;
            field(s, "leads", "value").comment = Some(name("in euros"));
        },
    },
    Step {
        what: "another key",
        say: &[],
        change: |s| {
            of(s, "taggings").primary_key = vec![name("target"), name("target_id"), name("tag_id")];
            of(s, "stages").indexes.clear();
        },
    },
    Step {
        what: "a check and what it looks at",
        say: &[],
        change: |s| {
            of(s, "campaigns").checks[0].expression = name("ends_on is null or ends_on >= starts_on or budget is null");
            field(s, "campaigns", "budget").ty = ColumnType::Decimal(Some((16, 2)));
        },
    },
    Step {
        what: "a key that points elsewhere",
        say: &[],
        change: |s| {
            of(s, "files").foreign_keys[0].table = TableName::new("accounts");
        },
    },
    Step { what: "two tables go", say: &[], change: |s| s.tables.retain(|one| !["mails", "notes"].contains(&one.name.name.as_ref())) },
];

fn quoted(db: &Db, own: &str) -> String {
    if db.dialect().is_mysql() { format!("`{own}`") } else { format!("\"{own}\"") }
}

/// Two rows for each table, whose keys are 1 and 2.
fn rows(db: &Db, schema: &Schema) -> Vec<String> {
    let mut made = Vec::new();
    for table in &schema.tables {
        for number in 1..=2 {
            let given = |column: &&TableColumn| {
                let later = table.foreign_keys.iter().any(|key| {
                    let place = |name: &TableName| schema.tables.iter().position(|one| one.name == *name);
                    key.columns.contains(&column.name) && place(&key.table) >= place(&table.name)
                });
                column.generated.is_none() && !(later && column.nullable)
            };
            let columns: Vec<&TableColumn> = table.columns.iter().filter(given).collect();
            let names: Vec<String> = columns.iter().map(|column| quoted(db, &column.name)).collect();
            let values: Vec<String> = columns.iter().map(|column| literal(db, column, number)).collect();
            made.push(format!("INSERT INTO {} ({}) VALUES ({})", quoted(db, &table.name.name), names.join(", "), values.join(", ")));
        }
    }
    made
}

fn literal(db: &Db, column: &TableColumn, number: i32) -> String {
    let postgres = db.dialect() == Dialect::Postgres;
    match &column.ty {
        ColumnType::Enum(one) => format!("'{}'", one.labels[0]),
        ColumnType::Bool => {
            if postgres {
                "true".into()
            } else {
                "1".into()
            }
        }
        ColumnType::Decimal(_) if db.dialect() == Dialect::Sqlite => format!("'{number}.25'"),
        ColumnType::Decimal(_) => format!("{number}.25"),
        ColumnType::Date => "'2024-02-29'".into(),
        ColumnType::DateTime(_) if db.dialect().is_mysql() => "'2024-02-29 12:00:00.5'".into(),
        ColumnType::DateTime(_) => "'2024-02-29 12:00:00.500000+00:00'".into(),
        ColumnType::Json(_) => "'{\"a\": [1, \"zwei\"]}'".into(),
        ColumnType::Array(_) => {
            if postgres {
                "'{one,\"two, three\"}'".into()
            } else {
                "'[\"one\", \"two, three\"]'".into()
            }
        }
        ColumnType::Bytes => "'bytes'".into(),
        ColumnType::Uuid => format!("'00000000-0000-0000-0000-00000000000{number}'"),
        ColumnType::Char(length) => format!("'{number}{}'", "x".repeat(*length as usize - 1)),
        ty if ty.is_numeric() => number.to_string(),
        _ => format!("'{}{number}'", column.name),
    }
}

async fn column_of(db: &Db, table: &str, own: &str) -> sequor::Result<Vec<Option<String>>> {
    let kind = if db.dialect().is_mysql() { "CHAR" } else { "TEXT" };
    let text = format!("SELECT CAST({} AS {kind}) AS v FROM {} ORDER BY 1", quoted(db, own), quoted(db, table));
    let rows: Vec<(Option<String>,)> = db.query_as(RawSql::new(vec![RawPart::Text(text.into())])).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

type Values = BTreeMap<String, Vec<Option<String>>>;

/// Every value of columns that both descriptions have as they are, of tables that change and of those that point to them.
async fn values(db: &Db, here: &Schema, other: &Schema) -> sequor::Result<Values> {
    let mut found = Values::new();
    for table in &here.tables {
        let Some(same) = other.table(&table.name) else { continue };
        let changes = |name: &TableName| format!("{:?}", here.table(name)) != format!("{:?}", other.table(name));
        if !changes(&table.name) && !table.foreign_keys.iter().any(|key| changes(&key.table)) {
            continue;
        }
        for column in &table.columns {
            if same
                .column(&column.name)
                .is_some_and(|one| one.ty == column.ty && one.generated == column.generated && one.nullable == column.nullable)
            {
                found.insert(format!("{}.{}", table.name.name, column.name), column_of(db, &table.name.name, &column.name).await?);
            }
        }
    }
    Ok(found)
}

fn migration(number: usize, generator: &Generator, from: &Schema, show: &str) -> sequor::Result<Migration> {
    let name = format!("{number:02}-step");
    // Two types may be one to a database.
    let Some(made) = generator.generate(from)? else { return Ok(Migration::new(name).with("up.sql", "").with("down.sql", "")) };
    assert_eq!(made.irreversible, None, "{show}");
    if std::env::var_os("SEQUOR_SHOW").is_some() {
        for (file, text) in &made.files {
            eprintln!("===== {show} {file}\n{text}");
        }
    }
    Ok(made.files.into_iter().fold(Migration::new(name), |one, (file, text)| one.with(file, text)))
}

async fn evolve(db: &Db, start: &str, steps: &[Step]) -> sequor::Result<()> {
    let plain = |mut schema: Schema| {
        // MariaDB has no index over an expression.
        let has = |one: &IndexDef| !db.dialect().is_mysql() || one.parts.iter().all(|part| part.expression.is_none());
        schema.tables.iter_mut().for_each(|table| table.indexes.retain(has));
        schema
    };
    let mut now = plain(read(start));
    assert!(now.tables.len() >= 15);
    let generator = |schema: &Schema| Generator::to_schema(schema.clone()).dialects([db.dialect()]);
    let mut all = vec![migration(0, &generator(&now), &Schema::default(), "start")?];
    Migrator::new(all.clone()).up(db).await?;
    for sql in rows(db, &now) {
        db.execute_sql_script(&sql).await?;
    }
    for (number, step) in steps.iter().enumerate() {
        let mut next = now.clone();
        (step.change)(&mut next);
        let next = plain(next.arranged());
        let mut towards = generator(&next);
        for said in step.say {
            towards = match said.split_once(' ').unwrap() {
                ("rename", text) => towards.rename(text),
                ("fill", text) => towards.fill(text)?,
                (_, text) => towards.cast(text)?,
            };
        }
        let before = values(db, &now, &next).await?;
        all.push(migration(number + 1, &towards, &now, step.what)?);
        let migrator = Migrator::new(all.clone());
        let at = step.what;
        migrator.up(db).await.unwrap_or_else(|error| panic!("{at}: up: {error:#}"));
        let drift = db.drift(&next).await?;
        assert!(drift.is_empty(), "{at}: {drift:#?}");
        assert!(migrator.up(db).await?.done.is_empty());
        assert_eq!(values(db, &next, &now).await?, before, "{at}: up");
        migrator.down(db).await.unwrap_or_else(|error| panic!("{at}: down: {error:#}"));
        let drift = db.drift(&now).await?;
        assert!(drift.is_empty(), "{at}: down: {drift:#?}");
        assert_eq!(values(db, &now, &next).await?, before, "{at}: down");
        migrator.up(db).await.unwrap_or_else(|error| panic!("{at}: up again: {error:#}"));
        now = next;
    }
    Migrator::new(all).down_all(db).await?;
    let left = db.catalog().await?;
    assert!(left.tables.is_empty() && left.enums.is_empty(), "{left:?}");
    Ok(())
}

#[sequor::test]
async fn a_forum_is_changed_ten_times(db: Db) -> sequor::Result<()> {
    evolve(&db, FORUM, &FORUM_STEPS).await
}

#[sequor::test]
async fn a_shop_is_changed_ten_times(db: Db) -> sequor::Result<()> {
    evolve(&db, SHOP, &SHOP_STEPS).await
}

#[sequor::test]
async fn an_address_book_is_changed_ten_times(db: Db) -> sequor::Result<()> {
    evolve(&db, CRM, &CRM_STEPS).await
}

/// Servers keep expressions parsed: MariaDB writes `length` as `octet_length`, `mod(a, 3)` as `a MOD 3`, PostgreSQL adds casts and writes EXTRACT in its own way.
#[sequor::test]
async fn what_a_server_makes_of_an_expression_is_no_difference(db: Db) -> sequor::Result<()> {
    let computed: &[(&str, &str)] = match db.dialect() {
        Dialect::Postgres => &[
            ("i32", "length(body) % 7"),
            ("i32", "extract(year from day)::int"),
            ("text", "substring(body from 2 for 3)"),
            ("text", "trim(both from body)"),
            ("bool", "body ~* '^a' and not (number between 2 and 5)"),
            ("text", "case number when 1 then 'one' else coalesce(body, 'none') end"),
            ("i32", "position('x' in body)"),
        ],
        Dialect::Mysql | Dialect::Mariadb => &[
            ("i32", "length(body)"),
            ("i32", "mod(number, 3)"),
            ("i32", "day(day)"),
            ("i32", "position('x' in body)"),
            ("i32", "power(number, 2)"),
            ("i32", "ceil(number / 2)"),
            ("i32", "character_length(body)"),
            ("i32", "not number"),
            ("text", "mid(body, 1, 2)"),
            ("text", "cast(number as char(10))"),
            ("i32", "datediff(day, '2024-01-01')"),
        ],
        Dialect::Sqlite => &[("i32", "length(body)"), ("i32", "number % 3"), ("text", "substr(body, 1, 2)")],
    };
    let mut schema = read("facts: id +; body varchar(80); number i32 !; day date\n  check facts_day: length(body) > 0 and number <> 4\n");
    for (number, (kind, expression)) in computed.iter().enumerate() {
        column(&mut schema.tables[0], &format!("c{number} {kind} @{expression}"), &[]);
    }
    let start = migration(0, &Generator::to_schema(schema.clone()).dialects([db.dialect()]), &Schema::default(), "facts")?;
    Migrator::new([start]).up(&db).await?;
    let drift = db.drift(&schema).await?;
    assert!(drift.is_empty(), "{drift:#?}");
    assert!(!db.catalog().await?.tables.iter().any(|table| table.name.name == "sequor_probe"), "the question left a table");
    // What is another is still seen.
    schema.tables[0].columns[4].generated = Some(Generated { expression: name("number + 1"), stored: true });
    schema.tables[0].checks[0].expression = name("length(body) > 1 and number <> 4");
    let drift: Vec<String> = db.drift(&schema).await?.into_iter().map(|step| step.what).collect();
    let expected: &[&str] = match db.dialect() {
        Dialect::Sqlite => &["make table facts anew"],
        _ => &["drop constraint facts_day of facts", "drop column facts.c0", "add column facts.c0", "add check facts_day of facts"],
    };
    assert_eq!(drift, expected);
    Ok(())
}
