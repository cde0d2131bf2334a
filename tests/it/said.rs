//! What a person reads when a database refuses something: the whole text, word for word, of each database.

use crate::mistakes::{Believed, Loose, Nowhere};
use sequor::prelude::*;
use std::fmt::Write;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "said_wards")]
pub struct Ward {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(unique)]
    pub name: String,
    pub beds: HasMany<Bed>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "said_beds", check(name = "height_makes_sense", "height > 0"))]
pub struct Bed {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(db_type = "varchar(5)")]
    pub label: String,
    pub height: i16,
    #[field(sensitive, unique)]
    pub patient: Option<String>,
    pub ward_id: i64,
    pub ward: BelongsTo<Ward>,
}

models!(pub type Wards = Ward, Bed, Loose);

fn bed(ward_id: i64) -> Draft<Bed> {
    draft!(Bed { label: "a", height: 1, ward_id })
}

#[sequor::test(models(Wards))]
async fn refusals_in_full(db: Db) -> sequor::Result<()> {
    let mut said = String::new();
    // MariaDB names the database of the test, which is another one each time.
    let place = match db.dialect() {
        Dialect::Mysql | Dialect::Mariadb => db.query_as::<(String,)>(sql!("SELECT concat(database(), '.')")).await?.remove(0).0,
        _ => "no database is named so".to_owned(),
    };
    let mut note = |what: &str, result: sequor::Result<()>| {
        let text = result.map_or_else(|error| format!("{error}"), |()| "nothing was refused".to_owned());
        assert!(!text.contains("canary"), "a sensitive value: {text}");
        writeln!(said, "{what}\n    {}", text.replace(&place, "")).ok();
    };
    let ward = draft!(Ward { name: "North" }).create(&db).await?;
    draft!(Bed { label: "a", height: 1, ward_id: ward.id, patient: "canary" }).create(&db).await?;

    note("unique", draft!(Ward { name: "North" }).create(&db).await.map(drop));
    let second = draft!(Bed { label: "a", height: 1, ward_id: ward.id, patient: "canary" });
    note("unique, sensitive", second.create(&db).await.map(drop));
    note("foreign key, no such parent", bed(999).create(&db).await.map(drop));
    note("foreign key, children there", ward.force_destroy(&db).await.map(drop));
    let null = Bed::update_all().set(Bed::LABEL, raw_expr::<Bed, String>(sql!("NULL"))).every_row();
    note("not null", null.exec(&db).await.map(drop));
    note("check", Bed::update_all().set(Bed::HEIGHT, 0).every_row().exec(&db).await.map(drop));
    note("too long", Bed::update_all().set(Bed::LABEL, "much too long").every_row().exec(&db).await.map(drop));
    let row = draft!(Loose { number: 5_000_000_000, label: "Dark" }).create(&db).await?;
    let believed = || async { Believed::find_by_pk(row.id).exec(&db).await.map(drop) };
    note("number out of range", believed().await);
    Loose::update_all().set(Loose::NUMBER, None).every_row().exec(&db).await?;
    note("NULL in a field that is no Option", believed().await);
    Loose::update_all().set(Loose::NUMBER, 1).set(Loose::LABEL, "Purple").every_row().exec(&db).await?;
    note("unknown label", believed().await);
    note("no such table", Nowhere::find_all().exec(&db).await.map(drop));
    note("no such column", db.execute(sql!("SELECT colour FROM loose_rows")).await.map(drop));
    note("no such row", Ward::find_by_pk(999).or_fail().exec(&db).await.map(drop));
    note("not loaded", ward.beds.loaded().map(drop));
    note("no filter", Bed::destroy_all().exec(&db).await.map(drop));

    let name = format!("{:?}", db.dialect()).to_lowercase();
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "snapshots/said" }, {
        insta::assert_snapshot!(name, said);
    });
    Ok(())
}
