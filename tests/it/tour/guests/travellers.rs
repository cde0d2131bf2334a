//! A shipping company, written from the tour alone: views, generated columns, embedded structs, keys of several columns in each kind of relation.

use sequor::prelude::*;
use std::collections::HashMap;

#[derive(Embed, Clone, Debug, PartialEq)]
pub struct Place {
    pub street: String,
    pub city: String,
    pub zip: Option<String>,
}

#[derive(DbType, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kilos(pub Decimal);

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Waiting,
    UnderWay,
    Arrived,
}

fn scrubbed(text: String) -> sequor::Result<String> {
    if text.is_empty() {
        return Err(Error::usage("a plate has letters"));
    }
    Ok(text.trim().to_uppercase())
}

/// A key of two columns, which every kind of relation follows.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "ship_ports")]
pub struct Port {
    #[field(primary_key)]
    pub country: String,
    #[field(primary_key)]
    pub code: String,
    #[field(embed)]
    pub place: Place,
    #[relation(foreign_key = ["home_country", "home_code"])]
    pub trucks: HasMany<Truck>,
    #[relation(foreign_key = ["port_country", "port_code"])]
    pub office: HasOne<Office>,
    #[relation(foreign_key = ["port_country", "port_code"], other_key = "parcel_id")]
    pub parcels: BelongsToMany<Parcel, Stop>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "ship_offices")]
pub struct Office {
    #[field(primary_key, auto_increment)]
    pub id: i32,
    #[field(sensitive)]
    pub phone: String,
    pub port_country: String,
    pub port_code: String,
    #[relation(foreign_key = ["port_country", "port_code"], on_delete = "cascade")]
    pub port: BelongsTo<Port>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "ship_trucks", computed(label = "Truck::label"), timestamps)]
pub struct Truck {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    #[field(set_with = "scrubbed", unique)]
    pub plate: String,
    #[field(default = Kilos(Decimal::new(100, 0)))]
    pub load: Kilos,
    pub home_country: Option<String>,
    pub home_code: Option<String>,
    #[relation(foreign_key = ["home_country", "home_code"])]
    pub home: BelongsTo<Option<Port>>,
    pub parcels: HasMany<Parcel>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Truck {
    fn label(&self) -> String {
        format!("{} ({})", self.plate, self.load.0)
    }
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "ship_parcels")]
pub struct Parcel {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub width: i32,
    pub height: i32,
    #[field(generated = "width * height", stored)]
    pub area: i32,
    #[field(default = State::Waiting)]
    pub state: State,
    pub truck_id: Option<i64>,
    pub truck: BelongsTo<Option<Truck>>,
    #[relation(foreign_key = "parcel_id", other_key = ["port_country", "port_code"])]
    pub ports: BelongsToMany<Port, Stop>,
    pub notes: HasMany<Note>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "ship_stops")]
pub struct Stop {
    #[field(primary_key)]
    pub parcel_id: i64,
    #[field(primary_key)]
    pub port_country: String,
    #[field(primary_key)]
    pub port_code: String,
    #[field(default = 0)]
    pub hours: i32,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "ship_notes")]
pub struct Note {
    #[field(primary_key, default = Uuid::now_v7())]
    pub id: Uuid,
    pub text: String,
    pub parcel_id: i64,
    pub parcel: BelongsTo<Parcel>,
}

/// What is under way: a view.
#[derive(Model, Clone, Debug, PartialEq)]
#[model(
    table = "ship_loads",
    view = "SELECT truck_id, COUNT(*) AS parcels, MAX(area) AS largest FROM ship_parcels WHERE truck_id IS NOT NULL GROUP BY truck_id"
)]
pub struct Load {
    #[field(primary_key)]
    pub truck_id: i64,
    pub parcels: i64,
    pub largest: i32,
    pub truck: BelongsTo<Truck>,
}

models!(pub type Company = Port, Office, Truck, Parcel, Stop, Note, Load);

async fn filled(db: &Db) -> Result<Truck> {
    draft!(Truck {
        plate: " yk 12 ",
        home: { country: "GB", code: "HUL", place: Place { street: "Quay 1".into(), city: "Hull".into(), zip: None }, office: { phone: "01482" } },
        parcels: [
            { width: 2, height: 3, notes: [{ text: "fragile" }, { text: "this side up" }],
              ports: [{ country: "NL", code: "RTM", place: Place { street: "Kade".into(), city: "Rotterdam".into(), zip: Some("3011".into()) } }] },
            { width: 4, height: 5, state: State::UnderWay, notes: [{ text: "cold" }] },
        ],
    })
    .create(db)
    .await
}

#[sequor::test(models(Company))]
async fn ships(db: Db) -> sequor::Result<()> {
    let truck = filled(&db).await?;
    assert_eq!((truck.plate.as_str(), truck.load), ("YK 12", Kilos(Decimal::new(100, 0))));
    assert_eq!(truck.home_code.as_deref(), Some("HUL"));
    let parcels = truck.parcels.loaded()?;
    assert_eq!(parcels.iter().map(|p| p.area).collect::<Vec<_>>(), [6, 20]);
    assert_eq!(parcels[0].notes.loaded()?.len(), 2);

    // Embedded structs in filters, orders, groups, drafts and edits.
    let cities: Vec<String> = Port::find_all()
        .filter(Port::PLACE.at(Place::CITY).is_in(["Hull", "Rotterdam"]).and(Port::PLACE.at(Place::ZIP).is_null().or(Port::CODE.eq("RTM"))))
        .order_by(Port::PLACE.at(Place::CITY).desc())
        .select(Port::PLACE.at(Place::CITY))
        .exec(&db)
        .await?;
    assert_eq!(cities, ["Rotterdam", "Hull"]);
    let hull = Port::find_by_pk(("GB", "HUL"))
        .or_fail()
        .include(Port::OFFICE)
        .include(Port::TRUCKS.include(Truck::PARCELS.include(Parcel::PORTS)))
        .exec(&db)
        .await?;
    assert_eq!(hull.office.loaded()?.map(|office| office.phone.as_str()), Some("01482"));
    assert_eq!(hull.trucks.loaded()?[0].parcels.loaded()?[0].ports.loaded()?[0].place.zip.as_deref(), Some("3011"));
    let mut edit = hull.edit();
    edit.place.city = "Kingston".into();
    assert_eq!(edit.changed(), ["place.city"]);
    let hull = edit.save(&db).await?;
    assert_eq!(hull.place.city, "Kingston");
    Port::update_all().set(Port::PLACE.at(Place::ZIP), "HU1").filter(Port::COUNTRY.eq("GB")).exec(&db).await?;
    assert_eq!(hull.reload(&db).await?.place.zip.as_deref(), Some("HU1"));

    // Composite keys: relation methods of each kind.
    let rtm = Port::find_by_pk(("NL", "RTM")).or_fail().exec(&db).await?;
    assert!(parcels[0].relation(Parcel::PORTS).has(&rtm, &db).await?);
    parcels[1].relation(Parcel::PORTS).with(Stop::HOURS, 7).add(&rtm, &db).await?;
    assert_eq!(rtm.relation(Port::PARCELS).count(&db).await?, 2);
    parcels[1].relation(Parcel::PORTS).set([&hull], &db).await?;
    assert_eq!(rtm.related(Port::PARCELS).exec(&db).await?.len(), 1);
    let office = hull.related(Port::OFFICE).one().or_fail().exec(&db).await?;
    office.relation(Office::PORT).set(&rtm, &db).await?;
    assert_eq!(office.reload(&db).await?.port_code, "RTM");
    truck.relation(Truck::HOME).remove(&hull, &db).await?;
    let truck = truck.reload(&db).await?;
    assert_eq!((truck.home_country.as_deref(), truck.home_code.as_deref()), (None, None));
    hull.relation(Port::TRUCKS).add(&truck, &db).await?;
    let trucks = Truck::find_all().filter(Truck::HOME.is(Port::PLACE.at(Place::CITY).eq("Kingston"))).exec(&db).await?;
    assert_eq!(trucks.len(), 1);

    // A view, related.
    let loads = Load::find_all().include(Load::TRUCK).exec(&db).await?;
    assert_eq!((loads[0].parcels, loads[0].largest, loads[0].truck.loaded()?.plate.as_str()), (2, 20, "YK 12"));
    assert!(draft!(Load { truck_id: 1, parcels: 3, largest: 3 }).create(&db).await.is_err());

    // Computed values, once more with a setter that refuses.
    assert_eq!(serde_json::to_value(&truck)?["label"], format!("YK 12 ({})", truck.load.0));
    let mut edit = truck.edit();
    edit.plate = String::new();
    let refused = edit.save(&db).await.unwrap_err();
    assert!(refused.to_string().contains("a plate has letters"), "{refused}");
    Ok(())
}

#[sequor::test(models(Company))]
async fn ships_are_projected(db: Db) -> sequor::Result<()> {
    filled(&db).await?;

    #[derive(Projection, Clone, Debug, PartialEq)]
    #[projection(of = Note)]
    struct NoteText {
        text: String,
    }

    #[derive(Projection, Clone, Debug, PartialEq)]
    #[projection(of = Port)]
    struct PortName {
        code: String,
        #[projection(expr = Port::PLACE.at(Place::CITY))]
        city: String,
    }

    #[derive(Projection, Clone, Debug, PartialEq)]
    #[projection(of = Parcel)]
    struct ParcelView {
        id: i64,
        area: i32,
        state: State,
        #[projection(of = Note)]
        notes: Vec<NoteText>,
        #[projection(of = Port)]
        ports: Vec<PortName>,
    }

    #[derive(Projection, Clone, Debug, PartialEq)]
    #[projection(of = Truck)]
    struct TruckView {
        plate: String,
        load: Kilos,
        #[projection(of = Port)]
        home: Option<PortName>,
        #[projection(of = Parcel)]
        parcels: Vec<ParcelView>,
        #[projection(expr = Truck::PARCELS.count())]
        many: i64,
    }

    let views: Vec<TruckView> = Truck::find_all().project::<TruckView>().order_by(Truck::ID.asc()).exec(&db).await?;
    let view = &views[0];
    assert_eq!(view.home, Some(PortName { code: "HUL".into(), city: "Hull".into() }));
    assert_eq!((view.many, view.parcels.len()), (2, 2));
    assert_eq!(view.parcels[0].notes, [NoteText { text: "fragile".into() }, NoteText { text: "this side up".into() }]);
    assert_eq!(view.parcels[0].ports[0].city, "Rotterdam");
    let page = Truck::find_all().project::<TruckView>().page(1, 5).exec(&db).await?;
    assert_eq!(page.rows, views);

    let min = 5;
    let raw: Vec<Parcel> = db.query_as(sql!("SELECT * FROM ship_parcels WHERE area > {min} ORDER BY id")).await?;
    assert_eq!(raw.len(), 2);
    let state = State::UnderWay;
    let raw: Vec<(i64, i32)> = db.query_as(sql!("SELECT id, area FROM ship_parcels WHERE state = {state}")).await?;
    assert_eq!(raw[0].1, 20);
    let raw: Vec<i64> = db.query_as(sql!("SELECT id FROM ship_parcels ORDER BY id")).await?;
    assert_eq!(raw.len(), 2);
    let (ids, first) = (raw.clone(), raw[0]);
    let by_id: HashMap<i64, Parcel> =
        Parcel::find_all().filter(Parcel::ID.is_in(&ids)).exec(&db).await?.into_iter().map(|p| (p.id, p)).collect();
    assert_eq!(by_id.len(), 2);
    let n = db.execute(sql!("UPDATE ship_parcels SET state = {state} WHERE id = {first}")).await?;
    assert_eq!(n, 1);
    Ok(())
}

#[sequor::test(models(Company))]
async fn ships_from_json(db: Db) -> sequor::Result<()> {
    let body = json!({ "plate": "ab 1", "load": "12.5" });
    let truck = Draft::<Truck>::from_json(body, (Truck::PLATE, Truck::LOAD))?.create(&db).await?;
    assert_eq!((truck.plate.as_str(), truck.load.0), ("AB 1", Decimal::new(125, 1)));
    let edit = truck.edit().assign(json!({ "plate": "cd 2" }), (Truck::PLATE, Truck::HOME_CODE))?;
    let truck = edit.save(&db).await?;
    assert_eq!(truck.plate, "CD 2");
    let error = truck.clone().edit().assign(json!({ "id": 3 }), Truck::PLATE).unwrap_err();
    assert!(matches!(error, Error::Validation(_)), "{error}");
    let error = truck.clone().edit().assign(json!({ "plate": null }), Truck::PLATE).unwrap_err();
    assert!(error.to_string().contains("plate"), "{error}");
    let error = Draft::<Truck>::from_json(json!({ "load": "heavy" }), (Truck::PLATE, Truck::LOAD)).unwrap_err();
    assert!(error.to_string().contains("load"), "{error}");
    Ok(())
}

#[sequor::test(models(Company))]
async fn ships_in_transactions(db: Db) -> sequor::Result<()> {
    let told = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let tx = db.begin().await?;
    let count = told.clone();
    tx.after_commit(async move {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    });
    let truck = filled(&tx).await?;
    assert_eq!(Truck::count().exec(&tx).await?, 1);
    truck.edit().save(&tx).await?;
    tx.commit().await?;
    assert_eq!(told.load(std::sync::atomic::Ordering::SeqCst), 1);

    {
        let tx = db.begin().await?;
        draft!(Truck { plate: "gone" }).create(&tx).await?;
    }
    let tx = db.begin().await?;
    draft!(Truck { plate: "gone" }).create(&tx).await?;
    tx.rollback().await?;
    assert_eq!(Truck::count().exec(&db).await?, 1);

    let mut plates = vec![];
    let kept = db
        .transaction_with(Tx::serializable().retry(3).timeout(secs(20)), async |tx| {
            let truck = Truck::find_all().filter(Truck::PLATE.starts_with("YK")).lock(Lock::Update).one().or_fail().exec(tx).await?;
            tx.transaction(async |sp| {
                draft!(Truck { plate: "lost" }).create(sp).await?;
                Err::<(), _>(Error::usage("no"))
            })
            .await
            .ok();
            {
                let mut edit = truck.edit();
                edit.load = Kilos(Decimal::new(101, 0));
                edit.save(tx).await
            }
        })
        .await?;
    plates.push(kept.plate.clone());
    assert_eq!((Truck::count().exec(&db).await?, kept.load.0), (1, Decimal::new(101, 0)));
    let only = db.transaction_with(Tx::default().read_only(), async |tx| draft!(Truck { plate: "no" }).create(tx).await).await;
    assert!(only.is_err());
    Ok(())
}
