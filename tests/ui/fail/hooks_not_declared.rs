use sequor::prelude::*;

#[derive(Model, Clone, Debug, PartialEq)]
struct User {
    #[field(primary_key)]
    id: i64,
    name: String,
}

impl Hooks for User {
    async fn before_create(draft: &mut Draft<User>, _cx: &HookContext<'_>) -> Result<()> {
        draft.set(User::NAME, "Ann");
        Ok(())
    }
}

fn main() {}
