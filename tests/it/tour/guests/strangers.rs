//! The tour as somebody reads it who has seen nothing else: natural programs around its sentences.

use sequor::prelude::*;
use sequor::{AnyChange, Change, Record};
use std::sync::{Arc, Mutex};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "essays", hooks, userstamps, timestamps)]
pub struct Essay {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    pub title: String,
    pub writer_id: Option<i64>,
    pub created_by: Option<String>,
    pub updated_by: Option<i64>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub writer: BelongsTo<Option<Writer>>,
    pub labels: BelongsToMany<Label, EssayLabel>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "essayists")]
pub struct Writer {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
    pub essays: HasMany<Essay>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "essay_words")]
pub struct Label {
    #[field(primary_key)]
    pub word: String,
    #[relation(foreign_key = "label_id")]
    pub essays: BelongsToMany<Essay, EssayLabel>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "essay_labels")]
pub struct EssayLabel {
    #[field(primary_key)]
    pub essay_id: Uuid,
    #[field(primary_key)]
    pub label_id: String,
    pub added_by: Option<i64>,
}

static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn say(cx: &HookContext<'_>, title: &str) {
    SAID.lock().unwrap().push(format!("{title}: {} {}", cx.kind().name(), cx.operation()));
}

impl Hooks for Essay {
    async fn before_validate(draft: &mut Draft<Essay>, cx: &HookContext<'_>) -> Result<()> {
        say(cx, draft.get(Essay::TITLE).map_or("", String::as_str));
        Ok(())
    }

    async fn before_save(draft: &mut Draft<Essay>, cx: &HookContext<'_>) -> Result<()> {
        say(cx, draft.get(Essay::TITLE).map_or("", String::as_str));
        Ok(())
    }

    async fn after_save(essay: &Essay, cx: &HookContext<'_>) -> Result<()> {
        say(cx, &essay.title);
        Ok(())
    }

    async fn after_commit(change: &Change<Essay>, cx: &HookContext<'_>) -> Result<()> {
        say(cx, change.after()?.or(change.before()?).as_ref().map_or("", |essay| &essay.title));
        Ok(())
    }
}

#[sequor::test(models(Writer, Label, Essay, EssayLabel))]
async fn relations_take_keys(db: Db) -> sequor::Result<()> {
    let one = draft!(Essay { title: "One" }).create(&db).await?;
    let two = draft!(Essay { title: "Two", labels: [{ word: "x" }, { word: "y" }] }).create(&db).await?;
    let ann = draft!(Writer { name: "Ann" }).create(&db).await?;
    draft!(Label { word: "z" }).create(&db).await?;
    let labels = || one.relation(Essay::LABELS);
    labels().add("x", &db).await?;
    labels().add(["y", "z"], &db).await?;
    labels().with(EssayLabel::ADDED_BY, 7).add(&vec!["y".to_owned()], &db).await?;
    assert_eq!((labels().count(&db).await?, labels().has(["x", "z"], &db).await?), (3, true));
    labels().remove("x", &db).await?;
    labels().set(["x"], &db).await?;
    assert!(!labels().has("z", &db).await?);
    let unknown = labels().add("nothing", &db).await;
    assert!(matches!(unknown, Err(Error::ForeignKeyConstraint { .. })), "{unknown:?}");
    let label = Label::find_by_pk("x").or_fail().exec(&db).await?;
    label.relation(Label::ESSAYS).set(vec![one.id, two.id], &db).await?;
    ann.relation(Writer::ESSAYS).add(one.id, &db).await?;
    ann.relation(Writer::ESSAYS).add(&[two.id][..], &db).await?;
    ann.relation(Writer::ESSAYS).set([&one.id], &db).await?;
    assert_eq!(ann.relation(Writer::ESSAYS).count(&db).await?, 1);
    two.relation(Essay::WRITER).set(ann.id, &db).await?;
    assert_eq!(ann.relation(Writer::ESSAYS).count(&db).await?, 2);
    ann.relation(Writer::ESSAYS).remove([one.id, two.id], &db).await?;
    assert_eq!(ann.relation(Writer::ESSAYS).count(&db).await?, 0);
    Ok(())
}

#[sequor::test(models(Writer, Label, Essay, EssayLabel))]
async fn hooks_know_what_is_done(db: Db) -> sequor::Result<()> {
    let title = format!("Hooks {}", Uuid::now_v7());
    let seen = Arc::new(Mutex::new(Vec::<serde_json::Value>::new()));
    let (all, typed) = (seen.clone(), seen.clone());
    db.global_hooks().after_change("outbox", move |change: &AnyChange, cx| {
        let row =
            json!({ "key": change.key(), "actor": change.actor(), "operation": cx.operation(), "is": change.operation().to_string() });
        let all = all.clone();
        Box::pin(async move {
            all.lock().unwrap().push(row);
            Ok(())
        })
    });
    db.hooks::<Essay>().after_commit("typed", move |change, _cx| {
        let typed = typed.clone();
        Box::pin(async move {
            let title = change.after()?.map(|essay: Essay| essay.title);
            typed.lock().unwrap().push(json!([change.model(), title, change.key()[0].to_string()]));
            Ok(())
        })
    });
    let db = db.actor(7_i64);
    let essay = draft!(Essay { title: &title }).create(&db).await?;
    assert_eq!((essay.created_by.as_deref(), essay.updated_by), (Some("7"), Some(7)), "the actor as a value of the column");
    let id = essay.id;
    let mut edit = essay.edit();
    edit.writer_id = None;
    edit.created_by = Some("8".into());
    edit.save(&db).await?.destroy(&db).await?;
    let said: Vec<String> =
        SAID.lock().unwrap().iter().filter_map(|line| line.strip_prefix(&format!("{title}: ")).map(str::to_owned)).collect();
    let expected = [
        "before_validate create",
        "before_save create",
        "after_save create",
        "after_commit create",
        "before_validate update",
        "before_save update",
        "after_save update",
        "after_commit update",
        "after_commit destroy",
    ];
    assert_eq!(said, expected);
    let changed = |operation: &str| json!({ "key": [id], "actor": 7, "operation": operation, "is": operation });
    let committed = |title: Option<&str>| json!(["Essay", title, id.to_string()]);
    let title = Some(title.as_str());
    let expected = [changed("create"), committed(title), changed("update"), committed(title), changed("destroy"), committed(None)];
    assert_eq!(*seen.lock().unwrap(), expected);
    Ok(())
}

#[sequor::test]
async fn records_as_typed_rows(db: Db) -> sequor::Result<()> {
    let note = db.define(ModelDef::from_json(json!({
        "name": "Note",
        "attributes": { "title": { "type": "STRING", "allowNull": false }, "stars": "INTEGER", "data": "JSON" },
        "options": { "paranoid": true }
    }))?)?;
    note.sync(SyncMode::Create).await?;
    let row: Record = note.create(json!({ "title": "Hi", "data": {} })).exec(&db).await?;
    assert_eq!((row.destroy(&db).await?, note.count(json!({})).exec(&db).await?), (1, 0));
    assert_eq!(note.restore_all(json!({ "where": { "id": 1 } })).exec(&db).await?, 1);
    let Some(mut row) = note.find_by_pk(1).exec(&db).await? else { return Err(Error::not_found("Note")) };
    row.set("title", "Ho")?.set("stars", 3)?.set("data.user.name", json!("Ann"))?;
    assert!(row.set("titel", "x").is_err_and(|error| error.to_string().contains("title")));
    assert!(row.set("data.user.name.first", "x").is_err_and(|error| error.to_string().contains("name holds no object")));
    let saved: Record = row.save(&db).await?;
    assert_eq!((saved.get("title")?, row.get("stars")?, saved.get("data")?), (json!("Ho"), json!(3), json!({ "user": { "name": "Ann" } })));
    note.update_all(json!({ "stars": 4 }), json!({ "where": { "id": 1 } })).exec(&db).await?;
    assert_eq!((row.reload(&db).await?.get("stars")?, row.get("stars")?), (json!(4), json!(4)));
    assert_eq!(row.increment("stars", 2, &db).await?.reload(&db).await?.get("stars")?, 6);
    row.assign(json!({ "title": "Done", "unknown": 1 }))?;
    assert_eq!(row.changed(), ["title"]);
    row.save(&db).await?;
    assert_eq!(note.bulk_create(json!([{ "title": "a" }, { "title": "b" }])).exec(&db).await?.len(), 2);
    let RowsAndCount { rows, count } = note.find_and_count_all(json!({ "limit": 1, "order": [["id", "DESC"]] })).exec(&db).await?;
    assert_eq!((rows[0].get("title")?, count), (json!("b"), 3));
    let (other, _) = note.upsert(json!({ "id": 1, "title": "Again" })).exec(&db).await?;
    assert_eq!(other.get("title")?, "Again");
    assert_eq!(rows[0].force_destroy(&db).await?, 1);
    assert_eq!(note.count(json!({ "paranoid": false })).exec(&db).await?, 2);
    Ok(())
}

#[derive(Projection, Clone, Debug, PartialEq)]
#[projection(of = Essay)]
pub struct EssayLine {
    pub title: String,
    #[projection(column = Essay::UPDATED_BY)]
    pub editor: Option<i64>,
    #[projection(expr = Essay::TITLE.length())]
    pub letters: Option<i64>,
}

#[sequor::test(models(Writer, Essay))]
async fn projections_are_read_from_raw_rows(db: Db) -> sequor::Result<()> {
    draft!(Essay { title: "One" }).create(&db.actor(3_i64)).await?;
    let rows: Vec<EssayLine> = db.query_as(sql!("SELECT updated_by, title, length(title) AS letters FROM essays")).await?;
    assert_eq!(rows, [EssayLine { title: "One".into(), editor: Some(3), letters: Some(3) }]);
    let lacking = db.query_as::<EssayLine>(sql!("SELECT title FROM essays")).await;
    assert!(lacking.is_err_and(|error| error.to_string().contains("updated_by")));
    Ok(())
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mood {
    Good,
    Bad,
}

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[db_enum(serde = false)]
pub enum Tone {
    High,
    Low,
}

#[test]
fn enums_with_serde_of_their_own() -> sequor::Result<()> {
    assert_eq!(serde_json::to_value((Mood::Good, Tone::Low))?, json!(["good", "Low"]));
    assert_eq!((Mood::Bad.to_string().as_str(), serde_json::from_str::<Tone>("\"High\"")?), ("Bad", Tone::High));
    Ok(())
}

#[tokio::test]
async fn addresses_are_texts_of_any_kind() -> sequor::Result<()> {
    let url = String::from("sqlite::memory:");
    Db::connect(&url).await?.authenticate().await?;
    Db::connect(url.clone()).await?.authenticate().await?;
    Db::options(std::borrow::Cow::from(url.as_str())).connect().await?.authenticate().await?;
    let other = Db::options(url).read_replicas(["postgres://app:secret@elsewhere/app"]).connect().await;
    assert!(other.is_err_and(|error| error.to_string().contains("postgres") && !error.to_string().contains("secret")));
    Ok(())
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "listings")]
pub struct Listing {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub words: Vec<String>,
    pub numbers: Option<Vec<i32>>,
}

#[sequor::test(models(Listing))]
async fn lists_are_written_as_arrays(db: Db) -> sequor::Result<()> {
    let listing = draft!(Listing { words: ["a", "b"], numbers: [1, 2] }).create(&db).await?;
    assert_eq!(
        (listing.words.as_slice(), listing.numbers.as_deref()),
        (["a".to_owned(), "b".to_owned()].as_slice(), Some([1, 2].as_slice()))
    );
    let mut draft = draft!(Listing { words: Vec::new() });
    draft.set(Listing::WORDS, [String::from("c")]);
    let other = draft.create(&db).await?;
    assert_eq!(Listing::find_all().filter(Listing::WORDS.eq(["c"])).exec(&db).await?, [other]);
    Ok(())
}
