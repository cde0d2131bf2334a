//! Keys that are named after what they point to: a model that is known by its `code` is pointed to by `drug_code`, without an option.

use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "key_medicines")]
pub struct Medicine {
    #[field(primary_key)]
    pub code: String,
    pub name: String,
    pub leaflet: HasOne<Leaflet>,
    pub packages: HasMany<Package>,
    pub wards: BelongsToMany<Ward, Stock>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "key_leaflets")]
pub struct Leaflet {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub text: String,
    pub medicine_code: String,
    #[relation(foreign_key = "medicine_code")]
    pub medicine: BelongsTo<Medicine>,
}

/// Here the usual name is kept.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "key_packages")]
pub struct Package {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub pieces: i32,
    pub medicine_id: String,
    pub medicine: BelongsTo<Medicine>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "key_wards")]
pub struct Ward {
    #[field(primary_key)]
    pub building: String,
    #[field(primary_key)]
    pub floor: i32,
    #[field(unique)]
    pub phone: String,
    pub medicines: BelongsToMany<Medicine, Stock>,
    #[relation(source_key = "phone")]
    pub calls: HasMany<Call>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "key_stocks")]
pub struct Stock {
    #[field(primary_key)]
    pub medicine_code: String,
    #[field(primary_key)]
    pub ward_building: String,
    #[field(primary_key)]
    pub ward_floor: i32,
    #[field(default = 0)]
    pub pieces: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "key_calls")]
pub struct Call {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub ward_phone: String,
    #[relation(foreign_key = "ward_phone", target_key = "phone")]
    pub ward: BelongsTo<Ward>,
}

/// Its model between has neither `medicine_id` nor `medicine_code`.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "key_lost")]
pub struct Lost {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub medicines: BelongsToMany<Medicine, Package>,
}

models!(pub type Hospital = Medicine, Leaflet, Package, Ward, Stock, Call);

#[sequor::test(models(Hospital))]
async fn by_what_they_point_to(db: Db) -> sequor::Result<()> {
    let aspirin = draft!(Medicine {
        code: "ASA",
        name: "Aspirin",
        leaflet: { text: "read me" },
        packages: [{ pieces: 20 }, { pieces: 50 }],
        wards: [{ building: "North", floor: 3, phone: "113", calls: [{}, {}] }],
    })
    .create(&db)
    .await?;
    let leaflet = aspirin.leaflet.loaded()?.map(|leaflet| leaflet.medicine_code.as_str());
    assert_eq!((leaflet, aspirin.packages.loaded()?[1].medicine_id.as_str()), (Some("ASA"), "ASA"));
    let ward =
        Ward::find_by_pk(("North", 3)).include(Ward::MEDICINES.include(Medicine::LEAFLET)).include(Ward::CALLS).or_fail().exec(&db).await?;
    assert_eq!((ward.medicines.loaded()?[0].name.as_str(), ward.calls.loaded()?.len()), ("Aspirin", 2));
    assert!(ward.medicines.loaded()?[0].leaflet.loaded()?.is_some());
    assert_eq!(ward.medicines.through()?, [Stock { medicine_code: "ASA".into(), ward_building: "North".into(), ward_floor: 3, pieces: 0 }]);
    let south = draft!(Ward { building: "South", floor: 1, phone: "211" }).create(&db).await?;
    aspirin.relation(Medicine::WARDS).with(Stock::PIECES, 7).add(&south, &db).await?;
    assert_eq!(Medicine::count().filter(Medicine::WARDS.any(Ward::BUILDING.eq("South"))).exec(&db).await?, 1);
    assert_eq!((aspirin.relation(Medicine::WARDS).count(&db).await?, south.relation(Ward::MEDICINES).has("ASA", &db).await?), (2, true));
    Ok(())
}

#[sequor::test]
async fn a_key_that_is_not_there(db: Db) -> sequor::Result<()> {
    let error = db.sync::<(Medicine, Lost, Package)>(SyncMode::Create).await.unwrap_err();
    let text = "Lost.medicines: Package has no field lost_id for the key of this relation; add it, or say which one it is by `foreign_key`";
    assert!(error.to_string().contains(text), "{error}");
    Ok(())
}
