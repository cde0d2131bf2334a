use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    let text = String::from("SELECT 1");
    db.execute(sql!(text)).await?;
    Ok(())
}

fn main() {
    let _ = run;
}
