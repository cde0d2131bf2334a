//! A program of somebody who knows the tour alone: a clinic, with keys, names and shapes of its own, in tasks, traits and generic functions.

use sequor::prelude::*;
use sequor::{ModelType, Page};
use std::collections::BTreeMap;

#[derive(DbType, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatientId(pub Uuid);

#[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[db_enum(rename_all = "kebab-case")]
pub enum Urgency {
    Routine,
    WithinTheDay,
    AtOnce,
}

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Vitals {
    pub pulse: u16,
    #[serde(default)]
    pub notes: Vec<String>,
}

pub mod people {
    use super::*;

    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "clinic_patients", timestamps, paranoid, version, json = "camelCase")]
    pub struct Patient {
        #[field(primary_key, default = PatientId(Uuid::now_v7()))]
        pub id: PatientId,
        #[field(sensitive, hidden)]
        pub ssn: String,
        pub name: String,
        pub born: NaiveDate,
        pub weight: Option<Decimal>,
        pub version: i32,
        pub created_at: DateTime<Utc>,
        pub updated_at: DateTime<Utc>,
        pub deleted_at: Option<DateTime<Utc>>,
        pub family_doctor_id: Option<i32>,
        #[relation(foreign_key = "family_doctor_id", on_delete = "set null")]
        pub family_doctor: BelongsTo<Option<Doctor>>,
        pub visits: HasMany<crate::tour::guests::visitors::Visit>,
    }

    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(table = "clinic_doctors")]
    pub struct Doctor {
        #[field(primary_key, auto_increment)]
        pub id: i32,
        #[field(unique)]
        pub name: String,
        pub r#type: Option<String>,
        pub mentor_id: Option<i32>,
        #[relation(foreign_key = "mentor_id")]
        pub mentor: BelongsTo<Option<Doctor>>,
        #[relation(foreign_key = "mentor_id")]
        pub pupils: HasMany<Doctor>,
        #[relation(foreign_key = "family_doctor_id")]
        pub patients: HasMany<Patient>,
        #[relation(foreign_key = "doctor_id")]
        pub visits: HasMany<super::Visit>,
        #[relation(foreign_key = "second_opinion_id")]
        pub opinions: HasMany<super::Visit>,
    }
}

use people::{Doctor, Patient};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "clinic_rooms")]
pub struct Room {
    #[field(primary_key)]
    pub building: String,
    #[field(primary_key)]
    pub number: i16,
    pub beds: u8,
    #[relation(foreign_key = ["building", "number"])]
    pub visits: HasMany<Visit>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "clinic_visits", index(columns("patient_id", "at desc")), check(name = "minutes_make_sense", "minutes > 0"))]
pub struct Visit {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub at: DateTime<Utc>,
    #[field(default = 15)]
    pub minutes: i32,
    #[field(default = Urgency::Routine)]
    pub urgency: Urgency,
    #[field(default = Json(Vitals::default()))]
    pub vitals: Json<Vitals>,
    pub codes: Vec<String>,
    pub patient_id: PatientId,
    pub doctor_id: i32,
    pub second_opinion_id: Option<i32>,
    pub building: Option<String>,
    pub number: Option<i16>,
    #[relation(on_delete = "cascade")]
    pub patient: BelongsTo<Patient>,
    #[relation(foreign_key = "doctor_id")]
    pub doctor: BelongsTo<Doctor>,
    #[relation(foreign_key = "second_opinion_id")]
    pub second_opinion: BelongsTo<Option<Doctor>>,
    #[relation(foreign_key = ["building", "number"])]
    pub room: BelongsTo<Option<Room>>,
    #[relation(other_key = "drug_code")]
    pub drugs: BelongsToMany<Drug, Prescription>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "clinic_drugs")]
pub struct Drug {
    #[field(primary_key)]
    pub code: String,
    #[field(db_type = "decimal(10, 2)")]
    pub price: Decimal,
    #[relation(foreign_key = "drug_code", other_key = "visit_id")]
    pub visits: BelongsToMany<Visit, Prescription>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "clinic_prescriptions")]
pub struct Prescription {
    #[field(primary_key)]
    pub visit_id: i64,
    #[field(primary_key)]
    pub drug_code: String,
    #[field(default = 1)]
    pub packs: i32,
    #[relation(foreign_key = "drug_code")]
    pub drug: BelongsTo<Drug>,
    pub visit: BelongsTo<Visit>,
}

models!(pub type Clinic = Doctor, Patient, Room, Visit, Drug, Prescription);

/// What a service of any model needs: generic over the model.
async fn page_of<M: ModelType + 'static>(db: &Db, filter: Option<Filter<M>>, number: u64) -> Result<Page<M>> {
    let find = filter.into_iter().fold(M::find_all(), |find, filter| find.filter(filter));
    find.page(number, 2).exec(db).await
}

trait Repository {
    type Row;
    async fn newest(&self, many: u64) -> Result<Vec<Self::Row>>;
}

struct Visits<'a>(&'a Db);

impl Repository for Visits<'_> {
    type Row = Visit;

    async fn newest(&self, many: u64) -> Result<Vec<Visit>> {
        Visit::find_all().order_by((Visit::AT.desc(), Visit::ID.desc())).limit(many).exec(self.0).await
    }
}

fn at(minute: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + i64::from(minute) * 60, 0).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn filled(db: &Db) -> Result<(Doctor, Patient, Room)> {
    let eve = draft!(Doctor { name: "Eve", r#type: "surgeon", pupils: [{ name: "Adam" }] }).create(db).await?;
    let room = draft!(Room { building: "North", number: 7, beds: 2 }).create(db).await?;
    let ann = draft!(Patient {
        ssn: "078-05-1120",
        name: "Ann",
        born: day("1990-02-28"),
        weight: Decimal::new(6150, 2),
        family_doctor: &eve,
        visits: [
            { at: at(0), codes: vec!["J06".to_owned()], doctor_id: eve.id, building: "North", number: 7 },
            { at: at(1), codes: Vec::<String>::new(), doctor_id: eve.id, urgency: Urgency::AtOnce,
              vitals: Json(Vitals { pulse: 130, notes: vec!["fast".into()] }),
              drugs: [{ code: "ASA", price: Decimal::new(499, 2) }, { code: "IBU", price: Decimal::ONE }] },
        ],
    })
    .create(db)
    .await?;
    Ok((eve, ann, room))
}

#[sequor::test(models(Clinic))]
async fn a_clinic_reads_and_writes(db: Db) -> sequor::Result<()> {
    let (eve, ann, room) = filled(&db).await?;
    assert_eq!(eve.pupils.loaded()?[0].mentor_id, Some(eve.id));
    assert_eq!((ann.version, ann.family_doctor_id, ann.visits.loaded()?.len()), (0, Some(eve.id), 2));

    let patients = Patient::find_all()
        .filter(Patient::FAMILY_DOCTOR.is(Doctor::TYPE.eq("surgeon")).and(Patient::VISITS.any(Visit::URGENCY.ne(Urgency::Routine))))
        .include(Patient::FAMILY_DOCTOR.include(Doctor::PUPILS.include(Doctor::MENTOR)))
        .include(
            Patient::VISITS
                .order_by(Visit::AT.desc())
                .limit(1)
                .include(Visit::DRUGS.filter(Drug::PRICE.gt(Decimal::ONE)).through(Prescription::PACKS.gte(1)))
                .include(Visit::ROOM)
                .include(Visit::SECOND_OPINION),
        )
        .exec(&db)
        .await?;
    let found = &patients[0];
    let doctor = found.family_doctor.loaded()?.ok_or_else(|| Error::usage("no doctor"))?;
    let mentor = doctor.pupils.loaded()?[0].mentor.loaded()?;
    assert_eq!(mentor.map(|mentor| (mentor.id, mentor.r#type.as_deref())), Some((eve.id, Some("surgeon"))));
    let [visit] = found.visits.loaded()? else { return Err(Error::usage("one visit")) };
    assert_eq!((visit.vitals.pulse, visit.vitals.notes.len(), visit.urgency), (130, 1, Urgency::AtOnce));
    assert!(visit.room.loaded()?.is_none() && visit.second_opinion.loaded()?.is_none());
    assert_eq!((visit.drugs.loaded()?[0].code.as_str(), visit.drugs.through()?[0].packs), ("ASA", 1));

    let room = Room::find_by_pk(("North", 7)).or_fail().include(Room::VISITS.include(Visit::PATIENT)).exec(&db).await.map(|found| {
        assert_eq!(found.beds, room.beds);
        found
    })?;
    assert_eq!(room.visits.loaded()?[0].patient.loaded()?.id, ann.id);
    let in_rooms = Visit::find_all().filter(Visit::ROOM.is_present()).include(Visit::ROOM.required()).exec(&db).await?;
    assert_eq!((in_rooms.len(), in_rooms[0].codes.as_slice()), (1, ["J06".to_owned()].as_slice()));
    Ok(())
}

#[sequor::test(models(Clinic))]
async fn a_clinic_counts_and_projects(db: Db) -> sequor::Result<()> {
    let (eve, ann, _) = filled(&db).await?;

    #[derive(Projection, Clone, Debug, PartialEq)]
    #[projection(of = Doctor)]
    struct Name {
        name: String,
    }

    #[derive(Projection, Clone, Debug, PartialEq)]
    #[projection(of = Visit)]
    struct Row {
        id: i64,
        minutes: i32,
        #[projection(of = Doctor)]
        doctor: Name,
        #[projection(of = Doctor)]
        second_opinion: Option<Name>,
        #[projection(expr = Visit::DRUGS.count())]
        drugs: i64,
    }

    let rows: Vec<Row> = Visit::find_all().project::<Row>().order_by(Visit::ID.asc()).exec(&db).await?;
    assert_eq!(
        rows.iter().map(|row| (row.minutes, row.doctor.name.as_str(), row.second_opinion.is_some(), row.drugs)).collect::<Vec<_>>(),
        [(15, "Eve", false, 0), (15, "Eve", false, 2)]
    );
    let by_urgency: Vec<(Urgency, i64, Option<i64>)> = Visit::find_all()
        .select((Visit::URGENCY, count_all().alias("n"), sum(Visit::MINUTES)))
        .group_by(Visit::URGENCY)
        .having(count_all().gte(1))
        .order_by((alias("n").desc(), Visit::URGENCY.asc()))
        .exec(&db)
        .await?;
    assert_eq!(by_urgency.iter().map(|row| row.2).sum::<Option<i64>>(), Some(30));
    let dear: Option<Decimal> = Drug::find_all().select(max(Drug::PRICE)).one().exec(&db).await?;
    assert_eq!(dear, Some(Decimal::new(499, 2)));
    let (heaviest, patients): (Option<Decimal>, i64) =
        Patient::find_all().select((max(Patient::WEIGHT), count_all())).one().exec(&db).await?;
    assert_eq!((heaviest, patients), (Some(Decimal::new(6150, 2)), 1));

    let page = page_of::<Visit>(&db, Some(Visit::PATIENT_ID.eq(ann.id)), 1).await?;
    assert_eq!((page.rows.len(), page.count, page.pages, page.has_next), (2, 2, 1, false));
    assert!(page_of::<Doctor>(&db, None, 2).await?.rows.is_empty());
    assert_eq!(Visits(&db).newest(1).await?[0].urgency, Urgency::AtOnce);
    let fast =
        Visit::find_all().filter(Visit::VITALS.path("pulse").gt(100).and(Visit::VITALS.path("notes[0]").eq("fast"))).exec(&db).await?;
    assert_eq!(fast.len(), 1);
    let mut minutes = BTreeMap::new();
    let mut stream = Visit::find_all().include(Visit::DOCTOR).stream(&db);
    while let Some(visit) = stream.next().await {
        let visit = visit?;
        *minutes.entry(visit.doctor.loaded()?.id).or_insert(0) += visit.minutes;
    }
    assert_eq!(minutes, BTreeMap::from([(eve.id, 30)]));
    let raw: Vec<Patient> = {
        let name = "Ann";
        db.query_as(sql!("SELECT * FROM clinic_patients WHERE name = {name}")).await?
    };
    assert_eq!((raw[0].id, raw[0].weight, &raw[0].ssn), (ann.id, ann.weight, &ann.ssn));
    let json = serde_json::to_value(&raw[0])?;
    assert!(json.get("ssn").is_none() && json["familyDoctorId"] == eve.id && json.get("visits").is_none(), "{json}");
    assert!(!format!("{:?}", draft!(Patient { ssn: "078-05-1120", name: "X", born: day("2000-01-01") })).contains("078"));
    Ok(())
}

#[sequor::test(models(Clinic))]
async fn a_clinic_changes_in_tasks(db: Db) -> sequor::Result<()> {
    let (eve, ann, _) = filled(&db).await?;
    let mut tasks = Vec::new();
    for number in 2..6_u32 {
        let (db, patient_id, doctor_id) = (db.clone(), ann.id, eve.id);
        tasks.push(tokio::spawn(async move {
            db.transaction_with(Tx::default().retry(9), async |tx| {
                let visit = draft!(Visit { at: at(number), codes: vec![number.to_string()], patient_id, doctor_id }).create(tx).await?;
                tx.transaction(async |sp| {
                    draft!(Drug { code: "ONE", price: Decimal::ONE }).create(sp).await?;
                    draft!(Drug { code: "ONE", price: Decimal::TWO }).create(sp).await
                })
                .await
                .ok();
                Ok(visit.id)
            })
            .await
        }));
    }
    for task in tasks {
        task.await.map_err(Error::other)??;
    }
    assert_eq!((Visit::count().exec(&db).await?, Drug::count().exec(&db).await?), (6, 2));

    let mut edits: Vec<_> = Visit::find_all().order_by(Visit::ID.asc()).exec(&db).await?.into_iter().map(|visit| visit.edit()).collect();
    for (place, edit) in edits.iter_mut().enumerate() {
        edit.minutes = 10 + i32::try_from(place).unwrap();
        edit.vitals.pulse += 1;
    }
    let saved = edits.save(&db).await?;
    assert_eq!((saved[5].minutes, saved[1].vitals.pulse), (15, 131));

    let (mine, theirs) = (ann.clone(), ann.clone());
    let mut mine = mine.edit();
    mine.name = "Anna".into();
    assert_eq!((mine.changed(), mine.previous(Patient::NAME).as_str()), (vec!["name".into()], "Ann"));
    let mine = mine.save(&db).await?;
    let mut theirs = theirs.edit();
    theirs.weight = None;
    assert!(matches!(theirs.save(&db).await, Err(Error::OptimisticLock { .. })));
    mine.destroy(&db).await?;
    assert!(Patient::find_by_pk(ann.id).exec(&db).await?.is_none());
    let visit = Visit::find_all().include(Visit::PATIENT).limit(1).one().or_fail().exec(&db).await?;
    assert!(matches!(visit.patient.loaded(), Err(Error::NotFound { .. })) && visit.patient.get().is_none());
    let back = Patient::find_all().only_deleted().one().or_fail().exec(&db).await?.restore(&db).await?;
    assert!(back.deleted_at.is_none() && back.version > mine.version);

    let touched = Visit::update_all()
        .set(Visit::MINUTES, Visit::MINUTES + 1)
        .set(Visit::SECOND_OPINION_ID, eve.id)
        .filter(Visit::CODES.has("3"))
        .exec(&db)
        .await?;
    assert_eq!(touched, 1);
    let opinions = eve.related(Doctor::OPINIONS).exec(&db).await?;
    assert_eq!((opinions.len(), opinions[0].codes.as_slice()), (1, ["3".to_owned()].as_slice()));
    let visit = &opinions[0];
    visit.relation(Visit::DRUGS).with(Prescription::PACKS, 3).add("IBU", &db).await?;
    visit.load(Visit::DRUGS, &db).await?;
    assert_eq!((visit.drugs.loaded()?[0].code.as_str(), visit.drugs.through()?[0].packs), ("IBU", 3));
    let error =
        draft!(Visit { at: at(9), codes: Vec::<String>::new(), patient_id: ann.id, doctor_id: 4711 }).create(&db).await.unwrap_err();
    assert!(matches!(&error, Error::ForeignKeyConstraint { .. }), "{error}");
    let error = draft!(Visit { at: at(9), codes: Vec::<String>::new(), patient_id: ann.id, doctor_id: eve.id, minutes: 0 })
        .create(&db)
        .await
        .unwrap_err();
    assert!(matches!(&error, Error::CheckConstraint { constraint, .. } if constraint == "minutes_make_sense"), "{error}");
    back.force_destroy(&db).await?;
    assert_eq!((Visit::count().exec(&db).await?, Prescription::count().exec(&db).await?), (0, 0));
    Ok(())
}
