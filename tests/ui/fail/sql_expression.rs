use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    let id = 1;
    db.execute(sql!("DELETE FROM users WHERE id = {id + 1}")).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
