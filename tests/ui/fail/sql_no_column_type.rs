use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    let user = std::time::Duration::from_secs(1);
    db.execute(sql!("DELETE FROM users WHERE id = {user}")).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
