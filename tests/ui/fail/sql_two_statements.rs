use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    db.execute(sql!("DELETE FROM users; DELETE FROM posts")).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
