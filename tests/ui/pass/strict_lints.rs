#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub, non_local_definitions)]
#![forbid(unsafe_code)]
//! Generated code stays quiet under a crate's strictest lints.

use sequor::prelude::*;

mod inner {
    //! Models in a module.
    use sequor::prelude::*;

    /// How it goes.
    #[derive(DbEnum, Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Mood {
        /// Well.
        Fine,
        /// Not well.
        Bad,
    }

    /// Where.
    #[derive(Embed, Clone, Debug, PartialEq)]
    pub(crate) struct Address {
        /// The city.
        pub(crate) city: Option<String>,
    }

    /// An address.
    #[derive(DbType, Clone, Debug, PartialEq)]
    pub(crate) struct Email(pub(crate) String);

    /// A person.
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(timestamps, paranoid)]
    pub(crate) struct Person {
        /// The key.
        #[field(primary_key, auto_increment)]
        pub(crate) id: i64,
        /// The mood.
        #[field(default = Mood::Fine)]
        pub(crate) mood: Mood,
        /// The address.
        #[field(embed)]
        pub(crate) address: Address,
        /// Where to write to.
        pub(crate) email: Option<Email>,
        pub(crate) created_at: DateTime<Utc>,
        pub(crate) updated_at: DateTime<Utc>,
        pub(crate) deleted_at: Option<DateTime<Utc>>,
        /// The boss's key.
        pub(crate) boss_id: Option<i64>,
        /// The boss.
        pub(crate) boss: BelongsTo<Option<Person>>,
        /// Those below.
        #[relation(foreign_key = "boss_id")]
        pub(crate) reports: HasMany<Person>,
    }

    /// A name.
    #[derive(Projection)]
    #[projection(of = Person)]
    pub(crate) struct PersonView {
        /// The key.
        pub(crate) id: i64,
        /// The boss.
        #[projection(of = Person)]
        pub(crate) boss: Option<PersonKey>,
    }

    /// A key.
    #[derive(Projection)]
    #[projection(of = Person)]
    pub(crate) struct PersonKey {
        /// The key.
        pub(crate) id: i64,
    }
}

use inner::{Address, Email, Mood, Person, PersonView};

fn main() {
    let _ = draft!(Person { email: Email("a".to_owned()), address: Address { city: None }, mood: Mood::Bad, reports: [{}, {}] });
    let query = Person::find_all().project::<PersonView>();
    let view = |view: PersonView| (view.id, view.boss.map(|boss| boss.id));
    let _ = (query, view);
}

#[test]
fn compiles_and_runs() {
    main();
}
