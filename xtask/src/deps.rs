//! Stub.
pub fn run() -> crate::process::Result<()> {
    Ok(())
}
