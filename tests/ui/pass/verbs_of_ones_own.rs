//! A program gives its models the verbs of another library: what Sequor says about those names never meets them.
use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(table = "own_verbs")]
pub struct Thing {
    #[field(primary_key, auto_increment)]
    pub id: i64,
    pub name: String,
}

pub trait ActiveRecord: Sized {
    fn find(id: i64) -> i64;
    fn all() -> usize;
    fn create(name: &str) -> Draft<Self>;
    fn save(&mut self) -> &str;
    fn update(&self, name: &str) -> String;
    fn delete(self) -> i64;
}

impl ActiveRecord for Thing {
    fn find(id: i64) -> i64 {
        id
    }

    fn all() -> usize {
        0
    }

    fn create(name: &str) -> Draft<Thing> {
        draft!(Thing { name })
    }

    fn save(&mut self) -> &str {
        &self.name
    }

    fn update(&self, name: &str) -> String {
        format!("{}{name}", self.name)
    }

    fn delete(self) -> i64 {
        self.id
    }
}

fn main() {
    let mut thing = Thing { id: 1, name: "a".into() };
    let draft = Thing::create("b");
    assert_eq!(draft.get(Thing::NAME).map(String::as_str), Some("b"));
    assert_eq!((Thing::find(7), Thing::all(), thing.save().len(), thing.update("c")), (7, 0, 1, "ac".to_owned()));
    assert_eq!(thing.delete(), 1);
}

#[test]
fn compiles_and_runs() {
    main();
}
