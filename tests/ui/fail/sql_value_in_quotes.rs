use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    let name = "Ann";
    db.execute(sql!("DELETE FROM users WHERE name = '{name}'")).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
