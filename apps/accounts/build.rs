//! A new migration is compiled in as soon as its file is there.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
