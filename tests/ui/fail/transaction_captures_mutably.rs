use sequor::prelude::*;

async fn run(db: &Db) -> Result<()> {
    let mut attempts = 0;
    db.transaction_with(Tx::serializable().retry(5), async |_tx| {
        attempts += 1;
        Ok(())
    })
    .await?;
    println!("{attempts}");
    Ok(())
}

fn main() {
    let _ = run;
}
