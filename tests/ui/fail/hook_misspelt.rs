//! A hook that is not there.
use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(hooks)]
pub struct Note {
    #[field(primary_key, auto_increment)]
    pub id: i64,
}

impl Hooks for Note {
    async fn before_creat(_draft: &mut Draft<Note>, _cx: &HookContext<'_>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
