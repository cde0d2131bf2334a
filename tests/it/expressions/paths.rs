//! JSON paths ask the same of a document on every database: kinds, places, odd keys, wide numbers, instants, containment; and what an update leaves.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "documents")]
pub struct Document {
    #[field(primary_key)]
    pub id: i64,
    pub data: Option<Json>,
}

/// Documents 1 to 10; 11 is SQL NULL.
async fn store(db: &Db) -> sequor::Result<()> {
    let documents = [
        json!({ "n": 12, "s": "12", "t": true, "f": false, "z": null, "a": [1, 2, [3, { "x": "y" }]], "o": { "k": 1, "0": "zero" } }),
        json!({ "n": 12.5, "s": "é", "t": "true", "a": [], "o": {}, "wide": 9_007_199_254_740_993_i64 }),
        json!({ "n": -1e300, "a.b": 1, "q\"q": 2, "b\\s": 3, "it's": 4, "é": 5, "new\nline": 6, "": 7, "$": 8, "[0]": 9 }),
        json!([1, "two", null, { "k": "v" }]),
        json!("text"),
        json!(5),
        json!(null),
        json!({ "at": "2024-02-29T12:30:45.123456Z", "east": "2024-02-29T12:30:45.5+02:00", "west": "2024-02-29 12:30-0330", "day": "2024-02-29",
                "none": "hello", "never": "2024-02-30T00:00:00Z", "late": "2023-02-29", "number": 3 }),
        json!({ "n": 12.0, "wide": 9_007_199_254_740_992_i64, "a": [[1, 2], [3]], "deep": { "er": { "x": [{ "y": 1 }, { "y": 2, "z": [4] }] } } }),
        json!({ "esc": "a\"b\\c\n\t/", "u": "\u{1F600}", "n": 0, "A": { "o": { "k": 1.0, "0": "zero" } } }),
    ];
    for (number, document) in (1..).zip(documents) {
        draft!(Document { id: number, data: Json(document) }).create(db).await?;
    }
    draft!(Document { id: 11 }).create(db).await?;
    Ok(())
}

async fn ids(db: &Db, filter: Filter<Document>) -> sequor::Result<Vec<i64>> {
    Document::find_all().filter(filter).select(Document::ID).order_by(Document::ID.asc()).exec(db).await
}

fn path(text: &str) -> sequor::JsonPath<Document> {
    Document::DATA.path(text)
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Asks each filter for the documents that it finds.
macro_rules! finds {
    ($db:expr; $($filter:expr => [$($id:expr),*]),* $(,)?) => {$(
        let wanted: Vec<i64> = vec![$($id),*];
        assert_eq!(ids($db, $filter).await?, wanted, "{}", stringify!($filter));
    )*};
}

#[sequor::test(models(Document))]
async fn values_compare_by_their_kind(db: Db) -> sequor::Result<()> {
    store(&db).await?;
    finds! { &db;
        path("n").eq(12) => [1, 9], path("n").ne(12) => [2, 3, 10], path("n").eq(12.5) => [2], path("n").lt(0) => [3], path("n").not_in([12, 0]) => [2, 3],
        path("s").eq(12) => [], path("s").eq("12") => [1], path("n").eq("12") => [1], path("t").eq(true) => [1], path("t").eq(1) => [],
        path("t").eq("true") => [1, 2], path("f").ne(true) => [1], path("s").eq("É") => [], path("s").ilike("É") => [2],
        path("esc").eq("a\"b\\c\n\t/") => [10], path("u").eq("\u{1F600}") => [10],
        path("z").exists() => [1], path("z").is_json_null() => [1], path("z").is_not_null() => [], path("z").ne("x") => [], path("z").eq(json!(null)) => [1],
        path("wide").eq(9_007_199_254_740_993_i64) => [2], path("wide").gt(9_007_199_254_740_992_i64) => [2], path("wide").lte(9_007_199_254_740_992_u64) => [9],
        path("wide").is_in([9_007_199_254_740_992_i64, 5]) => [9], path("wide").between(5, 9_007_199_254_740_992_i64) => [9],
        path("at").as_date_time().eq(instant("2024-02-29T12:30:45.123456Z")) => [8], path("east").eq(instant("2024-02-29T10:30:45.5Z")) => [8],
        path("west").eq(instant("2024-02-29T16:00:00Z")) => [8], path("day").eq(instant("2024-02-29T00:00:00Z")) => [8],
        path("at").gt(instant("2024-02-29T12:30:45.123455Z")) => [8],
    }
    for none in ["none", "never", "late", "number", "missing"] {
        assert_eq!(ids(&db, path(none).as_date_time().is_not_null()).await?, [0_i64; 0], "{none}");
    }
    Ok(())
}

#[sequor::test(models(Document))]
async fn keys_ask_objects_and_places_ask_lists(db: Db) -> sequor::Result<()> {
    store(&db).await?;
    finds! { &db;
        path("a[0]").eq(1) => [1], path("a[2][1].x").eq("y") => [1], path("a[0][1]").eq(2) => [9], path("[1]").eq("two") => [4], path("[3].k").eq("v") => [4],
        path("[2]").is_json_null() => [4], path("[9]").exists() => [], path("o.0").eq("zero") => [1], path("o[0]").exists() => [], path("o[0].k").eq(1) => [],
        path("a.0").exists() => [], path("n[0]").exists() => [], path("n[0]").eq(12) => [], path("s.x").exists() => [], path("[0]").exists() => [4],
        path("deep.er.x[1].y").eq(2) => [9], path("deep.er.x[0]").kind().eq("object".to_owned()) => [9], path("n[0]").kind().is_not_null() => [],
        path("[\"a.b\"]").eq(1) => [3], path("q\"q").eq(2) => [3], path("[\"q\"q\"]").eq(2) => [3], path("b\\s").eq(3) => [3], path("it's").eq(4) => [3],
        path("é").eq(5) => [3], path("new\nline").eq(6) => [3], path("[\"\"]").eq(7) => [3], path("$").eq(8) => [3], path("[\"[0]\"]").eq(9) => [3],
        path("A.o.k").eq(1) => [10], path("a.o.k").exists() => [],
        Document::DATA.has_key("q\"q") => [3], Document::DATA.has_key("0") => [], Document::DATA.has_key("a.b") => [3], Document::DATA.has_key("z") => [1],
        path("a").len().eq(0) => [2], path("o").len().eq(2) => [1], path("n").len().is_not_null() => [], path("a[0]").len().eq(2) => [9],
    }
    let refused = ids(&db, path("a[-1]").exists()).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("counts from the end")));
    Ok(())
}

#[sequor::test(models(Document))]
async fn documents_compare_by_what_they_say(db: Db) -> sequor::Result<()> {
    store(&db).await?;
    let whole = |document: serde_json::Value| Document::DATA.contains_json(document);
    finds! { &db;
        path("a").eq(json!([1, 2, [3, { "x": "y" }]])) => [1], path("o").eq(json!({ "0": "zero", "k": 1.0 })) => [1], path("n").eq(json!(12.0)) => [1, 9],
        path("s").eq(json!("12")) => [1], path("t").eq(json!(true)) => [1], path("a").ne(json!([])) => [1, 9],
        path("a").is_in([json!([]), json!([[1, 2], [3]])]) => [2, 9], path("a").not_in([json!([])]) => [1, 9],
        Document::DATA.eq(json!([1.0, "two", null, { "k": "v" }])) => [4], Document::DATA.eq(json!("text")) => [5], Document::DATA.eq(json!("Text")) => [],
        Document::DATA.eq(json!(null)) => [7], Document::DATA.is_null() => [11], Document::DATA.ne(json!(5)) => [1, 2, 3, 4, 5, 7, 8, 9, 10],
        Document::DATA.is_in([json!(5), json!("text")]) => [5, 6], Document::DATA.is_same(json!(5)) => [6],
        Document::DATA.is_not_same(json!(5)) => [1, 2, 3, 4, 5, 7, 8, 9, 10, 11],
        whole(json!({ "a": [1] })) => [1], whole(json!({ "a": [[1]] })) => [9], whole(json!({ "a": [3] })) => [], whole(json!({ "a": 1 })) => [],
        whole(json!({ "a": [[2, 1], [3]] })) => [9], whole(json!({ "a": [[]] })) => [1, 9], whole(json!({ "a": [] })) => [1, 2, 9],
        whole(json!({ "n": 12 })) => [1, 9], whole(json!({})) => [1, 2, 3, 8, 9, 10], whole(json!([])) => [4], whole(json!(["two", 1])) => [4],
        whole(json!("two")) => [4], whole(json!("text")) => [5], whole(json!(["text"])) => [], whole(json!({ "z": null })) => [1], whole(json!(null)) => [4, 7],
        whole(json!([{ "k": "v" }])) => [4], whole(json!([{}])) => [4], whole(json!({ "q\"q": 2 })) => [3], whole(json!({ "S": "é" })) => [],
        whole(json!({ "deep": { "er": { "x": [{ "z": [4] }, { "y": 1 }] } } })) => [9], whole(json!({ "deep": { "er": { "x": [{ "y": 1, "z": [4] }] } } })) => [],
        !whole(json!({ "n": 12 })) => [2, 3, 4, 5, 6, 7, 8, 10],
        path("a").contains(json!([1])) => [1], path("a").contains(json!(1)) => [1], path("deep.er").contains(json!({ "x": [{ "y": 2 }] })) => [9],
        Document::DATA.contained_in_json(json!([5])) => [6],
    }
    Ok(())
}

#[sequor::test(models(Document))]
async fn updates_leave_the_same_document(db: Db) -> sequor::Result<()> {
    let data = Document::DATA;
    let some = Some::<serde_json::Value>;
    let wide = 9_007_199_254_740_993_i64;
    for (start, change, wanted) in [
        (some(json!({ "a": [1, 2] })), data.set_path("a.b", 2), json!({ "a": { "b": 2 } })),
        (some(json!({ "a": [1, 2] })), data.set_path("a.0", 9), json!({ "a": { "0": 9 } })),
        (some(json!({ "a": [1, 2] })), data.set_path("a[0]", 9), json!({ "a": [9, 2] })),
        // Members of lists are set, not made.
        (some(json!({ "a": [1, 2] })), data.set_path("a[2]", 9), json!({ "a": [1, 2] })),
        (some(json!({ "a": [1, 2] })), data.set_path("a[5]", 9), json!({ "a": [1, 2] })),
        (some(json!({ "a": { "0": 1 } })), data.set_path("a[0]", 9), json!({ "a": { "0": 1 } })),
        (some(json!({ "a": 1 })), data.set_path("a[0]", 9), json!({ "a": 1 })),
        (some(json!({})), data.set_path("a[0]", 9), json!({})),
        (some(json!({ "a": [{ "b": 1 }] })), data.set_path("a[0].c.d", 9), json!({ "a": [{ "b": 1, "c": { "d": 9 } }] })),
        (some(json!({ "a": [{ "b": 1 }, 5] })), data.set_path("a[1].c", 9), json!({ "a": [{ "b": 1 }, { "c": 9 }] })),
        (some(json!({ "a": [{ "b": 1 }] })), data.set_path("a[1].c", 9), json!({ "a": [{ "b": 1 }] })),
        (some(json!([1])), data.set_path("[0]", 9), json!([9])),
        // What is no object gives way to one.
        (some(json!([1])), data.set_path("x", 9), json!({ "x": 9 })),
        (some(json!(5)), data.set_path("x.y", 9), json!({ "x": { "y": 9 } })),
        (some(json!(null)), data.set_path("x", 9), json!({ "x": 9 })),
        (None, data.set_path("x.y", 9), json!({ "x": { "y": 9 } })),
        (some(json!({ "a": 1 })), data.set_path("x", wide), json!({ "a": 1, "x": wide })),
        (some(json!({ "a": 1 })), data.set_path("b", 1).set_path("c", 2).remove_path("a"), json!({ "b": 1, "c": 2 })),
        (some(json!([1])), data.remove_path("x").set_path("a", 2), json!({ "a": 2 })),
        // A step sees what the steps before it left.
        (some(json!({ "a": { "x": 1 } })), data.set_path("a.b", 1).set_path("a.c", 2), json!({ "a": { "x": 1, "b": 1, "c": 2 } })),
        (some(json!({ "a": { "x": 1 } })), data.set_path("a", 5).set_path("a.c.d", 2), json!({ "a": { "c": { "d": 2 } } })),
        (
            some(json!({ "a": { "x": 1 } })),
            data.set_path("a", json!({ "y": { "z": 1 } })).set_path("a.y.w", 2),
            json!({ "a": { "y": { "z": 1, "w": 2 } } }),
        ),
        (some(json!({ "a": { "x": 1 } })), data.set_path("a.b", 1).set_path("a", 7), json!({ "a": 7 })),
        (some(json!({ "a": { "x": 1 } })), data.remove_path("a").set_path("a.b", 1), json!({ "a": { "b": 1 } })),
        (some(json!({ "a": { "x": 1 } })), data.set_path("b", 1).remove_path("a").set_path("a.b", 1), json!({ "b": 1, "a": { "b": 1 } })),
        (
            some(json!({ "a": { "x": 1, "y": 2 } })),
            data.set_path("a.b", 1).remove_path("a.x").set_path("a.c", 3),
            json!({ "a": { "y": 2, "b": 1, "c": 3 } }),
        ),
        (
            some(json!({ "a": [{ "x": 1 }] })),
            data.set_path("a[0].b", 1).set_path("a[0].c", 2),
            json!({ "a": [{ "x": 1, "b": 1, "c": 2 }] }),
        ),
        (
            some(json!({ "a": { "x": 1 } })),
            data.set_path("a.b", 1).merge(json!({ "a": { "c": 2, "x": null }, "d": { "e": null, "f": 1 } })).set_path("d.g", 2),
            json!({ "a": { "b": 1, "c": 2 }, "d": { "f": 1, "g": 2 } }),
        ),
        (some(json!({ "a": [1, 2, 3] })), data.remove_path("a[1]"), json!({ "a": [1, 3] })),
        (some(json!({ "a": [1, 2, 3] })), data.remove_path("a.1"), json!({ "a": [1, 2, 3] })),
        (some(json!({ "a": { "1": 1 } })), data.remove_path("a[1]"), json!({ "a": { "1": 1 } })),
        (some(json!({ "a": 5 })), data.remove_path("a[0]"), json!({ "a": 5 })),
        (some(json!([1, 2])), data.remove_path("x"), json!([1, 2])),
        (some(json!(5)), data.remove_path("x"), json!(5)),
        (some(json!(null)), data.remove_path("x"), json!(null)),
        (some(json!([1])), data.merge(json!({ "a": 1, "b": null })), json!({ "a": 1 })),
        (some(json!("x")), data.merge(json!({ "a": { "b": 1 } })), json!({ "a": { "b": 1 } })),
        (None, data.merge(json!({ "a": 1 })), json!({ "a": 1 })),
        (
            some(json!({ "a": { "x": 1, "y": { "z": 1 } } })),
            data.merge(json!({ "a": { "y": { "w": [1] } }, "k\"k": "é" })),
            json!({ "a": { "x": 1, "y": { "z": 1, "w": [1] } }, "k\"k": "é" }),
        ),
    ] {
        leaves(&db, start, change, wanted).await?;
    }
    Ok(())
}

/// What a change makes of a document.
async fn leaves(
    db: &Db,
    start: Option<serde_json::Value>,
    change: sequor::TypedExpr<Document, Option<Json>>,
    wanted: serde_json::Value,
) -> sequor::Result<()> {
    Document::destroy_all().every_row().exec(db).await?;
    let (asked, stored) = (format!("{start:?} {change:?}"), start.map(Json));
    draft!(Document { id: 1, data: stored }).create(db).await?;
    Document::update_all().set(Document::DATA, change).every_row().exec(db).await?;
    assert_eq!(Document::find_by_pk(1).or_fail().exec(db).await?.data.map(|data| data.0), Some(wanted), "{asked}");
    Ok(())
}

#[sequor::test(models(Document))]
async fn steps_into_one_member_of_a_list_see_each_other(db: Db) -> sequor::Result<()> {
    let data = Document::DATA;
    let some = Some::<serde_json::Value>;
    for (start, change, wanted) in [
        (
            some(json!({ "a": [5] })),
            data.set_path("a[0]", 7).set_path("a[0].b.c", 1).set_path("a[0].d", 2),
            json!({ "a": [{ "b": { "c": 1 }, "d": 2 }] }),
        ),
        (some(json!({ "a": [{ "b": 1 }] })), data.set_path("a[0].c", 2).set_path("a[0]", 3), json!({ "a": [3] })),
        (some(json!({ "a": [] })), data.set_path("a[0].c", 2).set_path("a[0].d", 3), json!({ "a": [] })),
        (
            some(json!({ "a": [{ "b": 1 }] })),
            data.set_path("a[0]", json!({ "x": 1 })).set_path("a[0].y", 2),
            json!({ "a": [{ "x": 1, "y": 2 }] }),
        ),
    ] {
        leaves(&db, start, change, wanted).await?;
    }
    Ok(())
}

#[sequor::test(models(Document))]
async fn a_long_chain_of_steps_does_not_repeat_its_document(db: Db) -> sequor::Result<()> {
    draft!(Document { id: 1, data: Json(json!({ "a": { "b": { "old": true } } })) }).create(&db).await?;
    let steps = |count: usize| (0..count).fold(Document::DATA.to_expr(), |chain, step| chain.set_path(&format!("a.b.k{step}"), step));
    let length = |count: usize| Document::find_all().select(steps(count)).to_sql(db.dialect()).map(|sql| sql.len());
    let (ten, forty) = (length(10)?, length(40)?);
    assert!(forty < ten * 4, "{ten} letters for 10 steps, {forty} for 40");
    // The same for the keys of one member of a list.
    let of_member = |count: usize| (0..count).fold(Document::DATA.to_expr(), |chain, step| chain.set_path(&format!("m[1].k{step}"), step));
    let length = |count: usize| Document::find_all().select(of_member(count)).to_sql(db.dialect()).map(|sql| sql.len());
    let (ten, forty) = (length(10)?, length(40)?);
    assert!(forty < ten * 4, "{ten} letters for 10 steps, {forty} for 40");
    draft!(Document { id: 2, data: Json(json!({ "m": [1, { "old": true, "k3": 7 }] })) }).create(&db).await?;
    Document::update_all().set(Document::DATA, of_member(40)).filter(Document::ID.eq(2)).exec(&db).await?;
    let member = Document::find_by_pk(2).or_fail().exec(&db).await?.data.map(|data| data.0["m"][1].clone()).unwrap_or_default();
    assert_eq!((member["old"].clone(), member["k3"].clone(), member["k39"].clone()), (json!(true), json!(3), json!(39)));
    Document::update_all().set(Document::DATA, steps(40)).filter(Document::ID.eq(1)).exec(&db).await?;
    let data = Document::find_by_pk(1).or_fail().exec(&db).await?.data.map(|data| data.0).unwrap_or_default();
    assert_eq!((data["a"]["b"]["old"].clone(), data["a"]["b"]["k39"].clone()), (json!(true), json!(39)));
    Ok(())
}

#[sequor::test(models(Document))]
async fn lists_of_whole_numbers_in_json_keep_all_their_digits(db: Db) -> sequor::Result<()> {
    store(&db).await?;
    let asked = async |test: serde_json::Value| {
        let find = Document::find_all().json_options(json!({ "where": { "data.wide": test }, "order": ["id"] }))?;
        Ok::<_, Error>(find.exec(&db).await?.iter().map(|row| row.id).collect::<Vec<_>>())
    };
    let wide = 9_007_199_254_740_993_i64;
    assert_eq!(asked(json!({ "$in": [1, wide] })).await?, [2]);
    assert_eq!(asked(json!([1, wide])).await?, [2]);
    assert_eq!(asked(json!({ "$notIn": [1, wide] })).await?, [9]);
    assert_eq!(asked(json!({ "$between": [1, wide - 1] })).await?, [9]);
    Ok(())
}
