use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    db.execute(sql!("DELETE FROM users WHERE id = {}")).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
